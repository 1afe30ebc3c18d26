/**
 * How good a run's model is on the data that the run has prepared.
 * @module
 */
import type { Head } from '../../graphs/models/head.ts'
import { isPooled } from '../../graphs/models/head.ts'
import type { Split } from '../data/sets/splits.ts'
import { UserError } from '../errors.ts'
import { standingRun } from '../formats/curriculum.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { readModelConfig } from '../formats/model_config.ts'
import type { CheckpointName } from '../models/find_model.ts'
import { findModel } from '../models/find_model.ts'
import { taskOptions } from '../runs/learning_config.ts'
import { readRunConfig } from '../runs/run_config.ts'
import { folderHost } from '../runs/host.ts'
import { readRunManifest } from '../runs/run_manifest.ts'
import { openSplit } from '../runs/split.ts'
import type { Device } from '../runtime/device.ts'
import { nodeRuntime } from '../runtime/node_runtime.ts'
import type { TaskName, tasks } from '../tasks/index.ts'
import { taskNamed } from '../tasks/index.ts'
import type { Evaluated as EvaluatedData } from '../tasks/task.ts'
import { trainedModel } from './trained_model.ts'

/** What every evaluation of a run says. */
export interface Evaluated extends EvaluatedData {
  readonly checkpoint: CheckpointName
  readonly split: Split
}

/** What a task's evaluation finds; never where it has none. */
type Found<E> = E extends { find(...given: never[]): Promise<infer F> } ? F : never

type EvaluationOf<N extends TaskName> = Awaited<ReturnType<(typeof tasks)[N]['work']>>['evaluation']

/** An evaluation of a run of some task. */
export type RunEvaluation = {
  [N in TaskName]: Evaluated & { readonly task: N } & Found<EvaluationOf<N>>
}[TaskName]

/** What the model before training lacks for its task; undefined: nothing. */
function missingBefore(task: TaskName, head: Head): string | undefined {
  if (isPooled(head)) return 'head'
  return taskNamed(task).refuses.plasticBlocks === 'needed' ? 'plastic blocks' : undefined
}

/** @throws UserError where the model before training cannot be evaluated as the run is */
export async function checkBaseline(run: string): Promise<void> {
  const { task, head } = await readRunManifest(run)
  const needed = missingBefore(task, head)
  if (needed !== undefined)
    throw new UserError(`${run}: the model before training has no ${needed}; leave --baseline out`)
}

/**
 * Evaluates a checkpoint of a run on one of its splits.
 *
 * @example
 * const evaluation = await evaluateRun('runs/words', 'validation')
 * if (evaluation.task === 'sft') console.log(evaluation.perplexity)
 *
 * @param folder of a run, or of a curriculum, which stands for the run of its last stage
 * @param checkpoint by default the best, or the last
 * @param device by default as the run's configuration has it
 * @throws UserError where the folder is no run, or has no such checkpoint or split
 */
export async function evaluateRun(
  folder: string,
  split: Split,
  checkpoint?: CheckpointName,
  device: Device = {},
): Promise<RunEvaluation> {
  const run = await standingRun(folder)
  const dataset = await openSplit(run, split)
  try {
    const found = await findModel(run, { checkpoint })
    const about = { run, checkpoint: found.checkpoint!, split, examples: dataset.size }
    const settings = { ...(await readRunConfig(run)), ...device }
    const { task: name, head, lora, npt } = await readRunManifest(run)
    const { evaluation } = await taskNamed(name).work()
    if ('instead' in evaluation) throw new UserError(evaluation.instead(run))
    const needed = missingBefore(name, head)
    if (found.checkpoint === 'base' && needed !== undefined)
      throw new UserError(`${run}: the model before training has no ${needed}; choose best or last`)
    const config = await readModelConfig(run)
    const tokenizer = await loadTokenizer(run)
    const model = trainedModel(found, { config, tokenizer, runtime: nodeRuntime(settings) })
    const facts = {
      settings,
      config,
      lora,
      npt,
      head,
      tokenizer,
      host: folderHost(run, { ...settings, precision: 'fp32' }),
    }
    const options = taskOptions(settings)
    const result = await evaluation.find(model, dataset, { ...facts, options })
    return { ...about, task: name, ...result } as RunEvaluation
  } finally {
    dataset.close()
  }
}
