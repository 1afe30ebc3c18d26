/** @module */
import { join } from 'node:path'

import { Command, Option } from 'commander'

import type { Split } from '../data/sets/splits.ts'
import type { CheckpointName } from '../models/find_model.ts'
import type { Embedder } from '../models/embedder.ts'
import type { Synonyms } from '../metrics/synonyms.ts'
import type { FullEvaluation } from '../report/evaluation_report.ts'
import { checkpointOption } from './checkpoint_option.ts'
import { keepResult } from './keep_result.ts'
import { wholeNumber } from './number_argument.ts'

interface EvaluateFlags {
  checkpoint?: CheckpointName
  baseline?: boolean
  split: Split
  generate?: number
  embedder?: string
  json?: boolean
}

/** `ortune evaluate <run> [other]` */
export const evaluateCommand = (): Command =>
  new Command('evaluate')
    .argument('<run>', "the run's folder")
    .argument('[other]', 'another run to stand beside it')
    .addOption(checkpointOption())
    .option('--baseline', 'stand the model before training beside it')
    .addOption(
      new Option('--split <name>', 'which data')
        .choices(['train', 'validation', 'test'] satisfies Split[])
        .default('validation'),
    )
    .option(
      '--generate <n>',
      'texts to generate and compare with the true ones, where the data has prompts (default: 100)',
      wholeNumber({ from: 0 }),
    )
    .option(
      '--embedder <model>',
      'feature extractor of transformers.js, a folder or a name, for the cosine (default: the base model itself)',
    )
    .option('--json', 'print one JSON result on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  ortune evaluate runs/dictionary --split test --baseline\n  ortune evaluate runs/emotion-lora runs/emotion-full',
    )
    .action(async (first: string, second: string | undefined, flags: EvaluateFlags) => {
      const { standingRun } = await import('../formats/curriculum.ts')
      const run = await standingRun(first)
      const other = second === undefined ? undefined : await standingRun(second)
      const { UserError } = await import('../errors.ts')
      if (flags.baseline && other !== undefined)
        throw new UserError('--baseline and a second run both say what to compare with; leave one out')
      if (other !== undefined) await checkComparable(run, other, flags.split)
      if (flags.baseline) await (await import('../evaluation/evaluate_run.ts')).checkBaseline(run)
      const { evaluationReport } = await import('../report/evaluation_report.ts')
      const tools = flags.generate === 0 ? undefined : await openTools(run, flags)
      try {
        const evaluated: FullEvaluation[] = []
        if (flags.baseline) evaluated.push(await evaluateFully(run, flags, 'base', tools))
        for (const one of other === undefined ? [run] : [run, other])
          evaluated.push(await evaluateFully(one, flags, flags.checkpoint, tools))
        const [one, another] = evaluated
        await keepResult(
          () => Promise.all(evaluated.map((one) => keepEvaluation(one))),
          (files) =>
            process.stdout.write(
              flags.json
                ? `${JSON.stringify(another ? { compared: evaluated } : one)}\n`
                : `${evaluationReport(one!, another)}\n${files ? `all figures and texts: ${files.join(', ')}\n` : ''}`,
            ),
        )
      } finally {
        await tools?.embedder.release()
      }
    })

/** Figures of two runs say something side by side where the task is the same; other data is said aloud. */
async function checkComparable(run: string, other: string, split: Split): Promise<void> {
  const { UserError } = await import('../errors.ts')
  const { readRunManifest } = await import('../runs/run_manifest.ts')
  const { openSplit } = await import('../runs/split.ts')
  const fingerprintOf = async (one: string) => {
    const data = await openSplit(one, split)
    data.close()
    return data.fingerprint
  }
  const fingerprints = [await fingerprintOf(run), await fingerprintOf(other)]
  const [first, second] = [await readRunManifest(run), await readRunManifest(other)]
  if (first.task !== second.task)
    throw new UserError(
      `${run} is of task ${first.task} and ${other} of task ${second.task}, whose figures do not compare; evaluate them one by one`,
    )
  if (fingerprints[0] !== fingerprints[1])
    process.stderr.write(
      'note: the two runs are evaluated on different data, or by different templates, so each is judged on its own\n',
    )
}

interface Tools {
  readonly embedder: Embedder
  readonly synonyms: Synonyms
}

/** What generated texts are judged with; both runs by the same. Undefined for a classifier, which writes none. */
async function openTools(run: string, { embedder, split }: EvaluateFlags): Promise<Tools | undefined> {
  const { openSplit } = await import('../runs/split.ts')
  const { openModelEmbedder } = await import('../models/embedder.ts')
  const { openTransformersEmbedder } = await import('../models/transformers_embedder.ts')
  const { openWordNet } = await import('../formats/wordnet.ts')
  const dataset = await openSplit(run, split)
  dataset.close()
  if (dataset.classes.length > 0) return undefined
  return {
    embedder: await (embedder === undefined ? openModelEmbedder(run) : openTransformersEmbedder(embedder)),
    synonyms: await openWordNet(),
  }
}

async function evaluateFully(
  run: string,
  { split, generate }: EvaluateFlags,
  checkpoint: CheckpointName | undefined,
  tools: Tools | undefined,
): Promise<FullEvaluation> {
  const { evaluateGeneration, hasPrompts } = await import('../evaluation/evaluate_generation.ts')
  const { evaluateRun } = await import('../evaluation/evaluate_run.ts')
  const result = await evaluateRun(run, split, checkpoint)
  const { taskNamed } = await import('../tasks/index.ts')
  const task = taskNamed(result.task)
  const onProgress = (done: number, total: number) => {
    if (process.stderr.isTTY)
      process.stderr.write(`\r\x1b[2K${done < total ? `generating ${done}/${total}` : ''}`)
  }
  const options = { checkpoint, onProgress, ...tools, ...(generate ? { prompts: generate } : {}) }
  const generates = tools && task.writes && (generate || (await hasPrompts(run, split)))
  const generation = generates ? await evaluateGeneration(run, split, options) : null
  return { ...result, generation }
}

/** Writes an evaluation into its run, with its picture where the task has one, and returns the file. */
async function keepEvaluation(full: FullEvaluation): Promise<string> {
  const { writeFileAtomic } = await import('../formats/atomic.ts')
  const { taskNamed } = await import('../tasks/index.ts')
  const file = fileOf(full)
  await writeFileAtomic(file, `${JSON.stringify(full, null, 2)}\n`)
  const { evaluation } = taskNamed(full.task)
  const picture = 'picture' in evaluation ? await evaluation.picture?.(full, full.run) : undefined
  if (picture !== undefined) await writeFileAtomic(fileOf(full, 'svg'), picture)
  return file
}

/** Where an evaluation is kept. */
const fileOf = ({ run, checkpoint, split }: FullEvaluation, extension = 'json'): string =>
  join(run, `evaluation-${checkpoint}-${split}.${extension}`)
