/**
 * The model card of a run's checkpoint: from what, on which data, how, and how well. It knows no clock and no folder of this
 * machine, so equal runs have equal cards.
 * @module
 */
import { basename, isAbsolute } from 'node:path'

import { stringify } from 'yaml'

import type { Manifest } from '../formats/manifest.ts'
import type { ModelCard } from '../formats/model_card.ts'
import { markdownTable } from '../formats/model_card.ts'
import type { Usage } from '../formats/model_usage.ts'
import { pipelineOf, usageText } from '../formats/model_usage.ts'
import { isPooled } from '../../graphs/models/head.ts'
import type { EvaluationRecord } from '../learning/listeners.ts'
import type { Method } from '../learning/default_rate.ts'
import { METHODS, methodOf } from '../learning/default_rate.ts'
import { taskNamed } from '../tasks/index.ts'
import { version } from '../version.ts'
import type { SettledConfig } from './config.ts'
import { runConfigSchema } from './config.ts'
import type { OptionChange } from './option_history.ts'
import { PLACE } from './option_history.ts'
import { rewardsOf } from './reward.ts'
import type { RewardSource } from '../rewards/reward_source.ts'

export interface CardFacts {
  /** As it is now. */
  readonly config: SettledConfig
  /** What of it was changed on the way. */
  readonly changes: readonly OptionChange[]
  readonly manifest: Pick<Manifest, 'head' | 'lora' | 'npt' | 'parameters' | 'data' | 'licence'>
  /** Rows of each split. */
  readonly rows: Readonly<Record<string, number>>
  /** Of the checkpoint. */
  readonly step: number
  /** The first and the last one so far; the first is that before training, where its step is 0. */
  readonly evaluations: readonly EvaluationRecord[]
}

export function runCard({ config, changes, manifest, rows, step, evaluations }: CardFacts): ModelCard {
  const { task } = config
  const { head, lora, npt, parameters, licence = {} } = manifest
  const model = nameOf(config.model)
  const { noun } = METHODS[methodOf(lora, npt)]
  const sources = [...new Set([...config.data, ...(config.eval_data ?? [])].map(({ path }) => nameOf(path)))]
  const metadata = {
    ...licence,
    base_model: model,
    library_name: typeof lora === 'object' ? 'peft' : lora === 'full' ? 'transformers' : 'ortune',
    pipeline_tag: pipelineOf(head),
    datasets: sources,
    tags: ['ortune', task, ...(typeof lora === 'object' ? ['lora'] : [])],
  }
  const unsaid = Object.keys(licence).length === 0
  return {
    metadata,
    text: [
      `# ${model}, trained by task ${task}`,
      `${sentence(taskNamed(task).summary)} Trained are ${noun}: ${whole(parameters.trainable)} parameters, with ${whole(parameters.frozen)} others left as they were. This is the checkpoint of step ${whole(step)}.`,
      unsaid
        ? 'The card of the base model states no licence; what holds of the base and of the data holds here.'
        : 'The licence is that of the base model; that of the data is to be heeded too.',
      ...rewardLine(config),
      usageText({
        part: PARTS[methodOf(lora, npt)],
        head,
        base: model,
        transformers: isTransformers(manifest),
      }).trimEnd(),
      '## Data',
      markdownTable([['source'], ...sources.map((source) => [source])]),
      `${Object.entries(rows)
        .map(([split, count]) => `${whole(count)} rows for ${split}`)
        .join(', ')}${manifest.data ? `; fingerprint \`${manifest.data.fingerprint}\`` : ''}.`,
      ...(evaluations.length > 0 ? ['## Figures', 'On the validation data.', figures(evaluations)] : []),
      '## Settings',
      ...(changes.length === 0
        ? [
            `As a file \`training.yaml\`, \`npx ortune train training.yaml output_dir=run\` trains it again with ortune ${version()}.`,
          ]
        : changesText(changes)),
      `\`\`\`yaml\n${stringify(settings(config))}\`\`\`\n`,
    ].join('\n\n'),
  }
}

const PARTS = {
  adapters: 'adapter',
  full: 'model',
  head: 'beside',
  blocks: 'beside',
} as const satisfies Record<Method, Usage['part']>

/** transformers' heads look at the last token, and know no plastic blocks. */
const isTransformers = ({ head, npt }: Pick<Manifest, 'head' | 'npt'>): boolean =>
  npt === null && (!isPooled(head) || head.pooling === 'last')

/** What a policy learned from. */
function rewardLine(config: SettledConfig): string[] {
  const rewards = rewardsOf(config)
  if (rewards === undefined) return []
  const { reward_funcs, reward_weights } = rewards
  const [one] = reward_funcs.map(rewardText)
  if (reward_funcs.length === 1) return [`Its reward is ${one}.`]
  const parts = reward_funcs.map((source, i) => `${reward_weights?.[i] ?? 1} times ${rewardText(source)}`)
  return [`Its reward is the sum of ${parts.join(', ')}.`]
}

function rewardText(reward: RewardSource): string {
  if ('metric' in reward) return `the metric ${reward.metric} against reference answers`
  if ('model' in reward) return `the score of the reward model \`${nameOf(reward.model)}\``
  if ('pattern' in reward) return `whether the pattern \`${reward.pattern}\` is found`
  const digest = reward.sha256 === undefined ? '' : ` (SHA-256 \`${reward.sha256}\`)`
  return `the function in \`${nameOf(reward.function)}\`${digest}`
}

const changesText = (changes: readonly OptionChange[]): string[] => [
  `As they are now. The run was resumed with others than it began with, so \`ortune train\` with these makes another model:`,
  markdownTable([
    ['changed after step', 'option', 'from', 'to'],
    ...changes.map(({ after_step, option, from, to }) => [
      whole(after_step),
      option,
      String(from),
      String(to),
    ]),
  ]),
]

const whole = (n: number): string => n.toLocaleString('en')

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

function figures(evaluations: readonly EvaluationRecord[]): string {
  const columns = [evaluations[0]!, ...(evaluations.length > 1 ? [evaluations.at(-1)!] : [])]
  const names = Object.keys(columns.at(-1)!).filter((name) => name.startsWith('eval_'))
  const heading = columns.map(({ step }) => (step === 0 ? 'before training' : `step ${whole(step)}`))
  const shown = (value: unknown) => (typeof value === 'number' ? value.toPrecision(4) : '')
  return markdownTable([
    ['', ...heading],
    ...names.map((name) => [
      name.slice('eval_'.length).replaceAll('_', ' '),
      ...columns.map((record) => shown(record[name as keyof EvaluationRecord])),
    ]),
  ])
}

/** A path within somebody's machine is nobody else's business: then the name of the file alone. */
function nameOf(path: string): string {
  if (!isAbsolute(path) && !/^\.\.[/\\]/.test(path)) return path
  // A checkpoint is called by its run: runs/words/checkpoints/best.
  return /[^/\\]+[/\\]checkpoints[/\\][^/\\]+(?=[/\\]?$)/.exec(path)?.[0] ?? basename(path)
}

/** The keys that differ from their defaults, and the learning rate. */
function settings(config: SettledConfig): Record<string, unknown> {
  const { model, output_dir, data } = config
  const defaults: Record<string, unknown> = runConfigSchema.parse({ model, output_dir, data })
  const kept = Object.entries(config).filter(
    ([key, value]) =>
      ![...PLACE, 'output_dir'].includes(key) &&
      value !== undefined &&
      (['model', 'data'].includes(key) || JSON.stringify(value) !== JSON.stringify(defaults[key])),
  )
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutFolders(key, value)]))
}

/** The keys whose values are paths. */
const PATHS: readonly string[] = ['model', 'path', 'from', 'ref_model', 'function']

/** The digests of a reward model's files are of no use to who has another copy of it. */
const DIGESTS = 'files'

function withoutFolders(key: string, value: unknown): unknown {
  if (typeof value === 'string') return PATHS.includes(key) ? nameOf(value) : value
  if (Array.isArray(value)) return value.map((one) => withoutFolders(key, one))
  if (typeof value !== 'object' || value === null || key === 'template') return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([inner, given]) =>
      given === undefined || (key === 'reward' && inner === DIGESTS)
        ? []
        : [[inner, withoutFolders(inner, given)]],
    ),
  )
}
