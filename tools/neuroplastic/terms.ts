/**
 * Whether each term of neuro-plastic fine-tuning moves its own quantity. The pocket model first learns to explain nouns by the likelihood
 * alone, until that gives little more; from there it goes on for as many steps with the likelihood alone, and with one strong term
 * beside it. So what is measured is the term, not what the likelihood teaches beside it.
 *   node --import tsx tools/neuroplastic/terms.ts [seeds] [term …]
 * One line of JSON a run: what greedy responses to held-out words are like, and responses that are drawn to held-out words and to words of the
 * training data; and at last the table of docs/neuroplastic.md.
 * @module
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { parse } from 'csv-parse/sync'

import { greedy } from '../../src/generation/sampling.ts'
import type { EvaluationRecord } from '../../src/learning/listeners.ts'
import { moments } from '../../src/metrics/moments.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { scoreByMetric } from '../../src/rewards/reward_metrics.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { createRun } from '../../src/runs/create.ts'

const MAX_NEW_TOKENS = 56
const WORDS = 60

interface Row {
  readonly instruction: string
  readonly response: string
  readonly split: string
}
type Figures = Readonly<Record<string, number>>

const alone = { lambda_reward: 1, alpha: 0, beta_sem: 0, gamma_div: 0, delta_ref: 0 }
const terms: Readonly<Record<string, object>> = {
  likelihood: alone,
  length: { ...alone, alpha: 1 },
  reference: { ...alone, delta_ref: 20 },
  semantic: { ...alone, beta_sem: 10 },
  entropy: { ...alone, gamma_div: 3 },
}
/** The steps that the model learns by the likelihood alone, before all else. */
const before = { max_steps: 120, learning_rate: 1e-3, per_device_train_batch_size: 16 }
const then = { max_steps: 20, learning_rate: 3e-4, per_device_train_batch_size: 12 }

const [seeds = '1,2,3', ...chosen] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'ortune-terms-'))
const found = new Map<string, Figures[]>()
try {
  const rows = await explanations()
  const data = join(folder, 'rows.jsonl')
  await writeFile(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  for (const seed of seeds.split(',').map(Number)) {
    const begun = await train(data, `before-${seed}`, { ...before, seed }, alone)
    keep('before', seed, { ...begun.figures, ...(await written(begun.run, rows, seed)) })
    for (const term of chosen.length > 0 ? chosen : Object.keys(terms)) {
      const from = join(begun.run, 'checkpoints', 'last')
      const { run, figures } = await train(data, `${term}-${seed}`, { ...then, seed, from }, terms[term]!)
      const writes = term !== 'semantic' && term !== 'entropy'
      keep(term, seed, { ...figures, ...(writes ? await written(run, rows, seed) : {}) })
    }
  }
} finally {
  await rm(folder, { recursive: true })
}
printTable()

/** Long answers to “Explain the noun …”; those of the test split are held out as those of the validation split are. */
async function explanations(): Promise<Row[]> {
  const all = parse<Row>(await readFile('data/instructions.csv'), { columns: true })
  return all
    .filter(({ instruction }) => instruction.startsWith('Explain '))
    .map((row) => ({ ...row, split: row.split === 'train' ? 'train' : 'validation' }))
}

async function train(
  data: string,
  name: string,
  settings: { readonly max_steps: number; readonly seed: number; readonly from?: string },
  neuroplastic: object,
) {
  const run = join(folder, name)
  await createRun(
    runConfigSchema.parse({
      ...{ task: 'neuroplastic', model: 'artifacts/pocket', output_dir: run, threads: 1 },
      data: [{ path: data, split: { column: 'split' } }],
      template: { prompt: '{{ instruction }}', completion: ' {{ response }}<|endoftext|>' },
      lora: { r: 16, lora_alpha: 32, target_modules: ['c_attn', 'attn.c_proj', 'c_fc', 'mlp.c_proj'] },
      ...{ ...settings, eval_steps: settings.max_steps, per_device_eval_batch_size: 60 },
      neuroplastic: {
        ...neuroplastic,
        ...{ target_length: 20, max_new_tokens: MAX_NEW_TOKENS, num_generations: 4 },
        ...{ eval_prompts: 2 * WORDS, norm_steps: 100 },
      },
    }),
  )
  const evaluations: EvaluationRecord[] = []
  await continueRun(run, { evaluation: (record) => void evaluations.push(record) })
  const last = evaluations.at(-1)!
  const names = ['loss', 'length', 'cosine', 'entropy', 'bleu', 'meteor'] as const
  return { run, figures: Object.fromEntries(names.map((name) => [name, last[`eval_${name}`]!])) }
}

/** Responses that are drawn to held-out words and to words of the training data, and greedy ones to the latter. */
async function written(run: string, rows: readonly Row[], seed: number): Promise<Figures> {
  const generator = await openGenerator(run, { checkpoint: 'last', threads: 1 })
  const figures: Record<string, number> = {}
  try {
    for (const [kind, split, do_sample] of [
      ['drawn', 'validation', true],
      ['drawn_trained', 'train', true],
      ['trained', 'train', false],
    ] as const) {
      const some = rows.filter((row) => row.split === split).slice(0, 2 * WORDS)
      const prompts = some.map(({ instruction }) => instruction)
      const options = { ...greedy, max_new_tokens: MAX_NEW_TOKENS, batch: WORDS, seed, do_sample }
      const texts = await generator.generate(prompts, options)
      for (const metric of ['bleu', 'meteor'] as const)
        figures[`${kind}_${metric}`] = moments(
          texts.map(({ prompt, text: response }, i) =>
            scoreByMetric(metric, { prompt, response, references: [some[i]!.response] }),
          ),
        ).mean
      figures[`${kind}_length`] = moments(
        texts.map(({ tokens, finished }) => tokens.length + (finished ? 1 : 0)),
      ).mean
    }
  } finally {
    await generator.release()
  }
  return figures
}

function keep(name: string, seed: number, figures: Figures): void {
  found.set(name, [...(found.get(name) ?? []), figures])
  const rounded = Object.entries(figures).map(([name, value]) => [name, Number(value.toPrecision(4))])
  process.stdout.write(`${JSON.stringify({ name, seed, ...Object.fromEntries(rounded) })}\n`)
}

function printTable(): void {
  const lines = [
    ['term alone', 'quantity', 'before', 'likelihood alone', 'with the term'],
    ['---', '---', '---', '---', '---'],
    ...[
      ['semantic', 'cosine', 'cosine, greedy', 3] as const,
      ['entropy', 'entropy', 'entropy per token in nats, greedy', 2] as const,
      ['length', 'length', 'tokens per response, greedy', 1] as const,
      ['length', 'drawn_length', 'tokens per response, drawn', 1] as const,
      ...[
        ['drawn_', 'drawn'],
        ['drawn_trained_', 'drawn, words learned from'],
        ['', 'greedy'],
        ['trained_', 'greedy, words learned from'],
      ].flatMap(([kind, title]) => [
        ['reference', `${kind}bleu`, `BLEU, ${title}`, 3] as const,
        ['reference', `${kind}meteor`, `METEOR, ${title}`, 3] as const,
      ]),
    ]
      .filter(([term]) => found.has(term))
      .map(([term, quantity, title, digits]) => [
        ...[`\`${term}\``, title],
        ...['before', 'likelihood', term].map((name) =>
          (found.get(name) ?? []).map((figures) => figures[quantity]!.toFixed(digits)).join(', '),
        ),
      ]),
  ]
  for (const cells of lines) process.stdout.write(`| ${cells.join(' | ')} |\n`)
}
