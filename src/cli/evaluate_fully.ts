/**
 * The evaluation of one run as `ortune evaluate` has it: by its task, by what its model writes, and text by text.
 * @module
 */
import { join } from 'node:path'

import type { Split } from '../data/sets/splits.ts'
import type { SamplePrompts } from '../evaluation/sample_prompts.ts'
import type { SampleTexts } from '../evaluation/sample_texts.ts'
import type { Synonyms } from '../metrics/synonyms.ts'
import type { Embedder } from '../models/embedder.ts'
import type { CheckpointName } from '../models/find_model.ts'
import type { Device } from '../runtime/device.ts'
import type { FullEvaluation } from '../report/evaluation_report.ts'
import type { TaskName } from '../tasks/index.ts'

export interface EvaluationFlags {
  readonly split: Split
  readonly generate?: number
  readonly embedder?: string
}

export interface Tools {
  readonly embedder: Embedder
  readonly synonyms: Synonyms
}

/** What generated texts are judged with; both runs by the same. Undefined for a classifier, which writes none. */
export async function openTools(
  run: string,
  { embedder, split }: EvaluationFlags,
): Promise<Tools | undefined> {
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

interface EvaluatedRun extends EvaluationFlags {
  readonly run: string
  readonly checkpoint?: CheckpointName
  readonly device: Device
  /** Of sample texts, where these are asked for. */
  readonly prompts: SamplePrompts | undefined
}

/** An evaluation; of a task that has none the texts alone, where some were asked for. */
export type RunOrSamples = (
  | FullEvaluation
  | {
      readonly run: string
      readonly checkpoint: CheckpointName
      readonly split: Split
      readonly task: TaskName
      readonly generation?: never
    }
) & { readonly sample_texts?: SampleTexts }

export async function evaluateFully(
  { run, split, generate, checkpoint, device, prompts }: EvaluatedRun,
  tools: Tools | undefined,
): Promise<RunOrSamples> {
  const { evaluateGeneration, hasPrompts } = await import('../evaluation/evaluate_generation.ts')
  const { evaluateRun } = await import('../evaluation/evaluate_run.ts')
  const { sampleTexts } = await import('../evaluation/sample_texts.ts')
  const { readRunManifest } = await import('../runs/run_manifest.ts')
  const { taskNamed } = await import('../tasks/index.ts')
  const { task: name } = await readRunManifest(run)
  const task = taskNamed(name)
  const onProgress = (done: number, total: number) => {
    if (process.stderr.isTTY)
      process.stderr.write(`\r\x1b[2K${done < total ? `generating ${done}/${total}` : ''}`)
  }
  const samples = prompts && (await sampleTexts(run, prompts, { checkpoint, device, onProgress }))
  if (samples && 'instead' in (await task.work()).evaluation)
    return { run, checkpoint: samples.checkpoint, split, task: name, sample_texts: samples }
  const result = await evaluateRun(run, split, checkpoint, device)
  const options = { checkpoint, device, onProgress, ...tools, ...(generate ? { prompts: generate } : {}) }
  const generates = tools && task.writes && (generate || (await hasPrompts(run, split)))
  const generation = generates ? await evaluateGeneration(run, split, options) : null
  return { ...result, generation, ...(samples ? { sample_texts: samples } : {}) }
}

/** Writes an evaluation into its run, with its picture where the task has one, and returns the file. */
export async function keepEvaluation(full: RunOrSamples): Promise<string> {
  const { writeFileAtomic } = await import('../formats/atomic.ts')
  const { taskNamed } = await import('../tasks/index.ts')
  const file = fileOf(full)
  await writeFileAtomic(file, `${JSON.stringify(full, null, 2)}\n`)
  const { evaluation } = await taskNamed(full.task).work()
  const picture =
    full.generation !== undefined && 'picture' in evaluation
      ? await evaluation.picture?.(full, full.run)
      : undefined
  if (picture !== undefined) await writeFileAtomic(fileOf(full, 'svg'), picture)
  return file
}

/** Where an evaluation is kept. */
const fileOf = ({ run, checkpoint, split }: RunOrSamples, extension = 'json'): string =>
  join(run, `evaluation-${checkpoint}-${split}.${extension}`)
