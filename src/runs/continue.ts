/**
 * A run's folder from its first file to its last: artifacts, data, checkpoints, log.
 *
 *     ortune.json  *.onnx  model.safetensors  config.json  tokenizer.json     what is trained
 *     data/train.arrow  data/validation.arrow                                 on what
 *     training.json                                                           with which options
 *     log.jsonl  checkpoints/last  checkpoints/best                           how it goes
 * @module
 */
import { join } from 'node:path'

import { UserError } from '../errors.ts'
import { withLock } from '../formats/lock.ts'
import { checkFiles } from '../formats/manifest.ts'
import { readModelConfig } from '../formats/model_config.ts'
import type { Listener } from '../learning/listeners.ts'
import type { TrainerState } from '../learning/trainer_state.ts'
import { storedState } from '../learning/trainer_state.ts'
import type { Device } from '../runtime/device.ts'
import { nodeRuntime } from '../runtime/node_runtime.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { TrainingState } from '../runtime/training_state.ts'
import { taskNamed } from '../tasks/index.ts'
import { checkManifest } from './check_manifest.ts'
import { writeCheckpoint } from './checkpoint.ts'
import { checkRunDevice, runDevice } from './check_device.ts'
import type { SettledConfig } from './config.ts'
import type { Changes } from './change.ts'
import { followChanges } from './option_history.ts'
import { changed, changeNote, differences, pickChangeable } from './change.ts'
import { loadState } from './load_state.ts'
import { healLog } from './heal_log.ts'
import { keepEnds, logWriter } from './log.ts'
import type { RunToOpen } from './open_run.ts'
import { withOpenRun, withTensors } from './open_run.ts'
import { checkReward, keepReward } from './reward.ts'
import { runCard } from './run_card.ts'
import { lockOf } from './run_lock.ts'
import { keepOptions, readRunConfig } from './run_config.ts'
import { readRunManifest } from './run_manifest.ts'

export interface ContinueOptions {
  /** Options that are others from now on. */
  readonly changes?: Changes
  /** Takes the file of the run's reward function as it is, where it is another than the run was made with. */
  readonly trustReward?: boolean
  /** Stops the run after the step under way; it can be continued. */
  readonly signal?: AbortSignal
  /** What runs its graphs, by default onnxruntime-node. */
  readonly runtimeOf?: (settings: Device) => Runtime
}

/**
 * Trains a created run to its end, from its last checkpoint where it has one.
 *
 * @example
 * const { global_step } = await continueRun('runs/words', { step: ({ step, loss }) => console.log(step, loss) })
 *
 * @param watcher is told of steps and evaluations, and by a note of a reward function of the run's before it is run
 * @throws UserError where the folder is no run, is written by another process or has changed since it was made, or its reward
 * function has; or naming step and tensor where a number is not finite
 */
export async function continueRun(
  folder: string,
  watcher?: Listener,
  options: ContinueOptions = {},
): Promise<TrainerState> {
  await readRunConfig(folder)
  return withLock(lockOf(folder), folder, () => continueAlone(folder, watcher, options))
}

async function continueAlone(
  folder: string,
  watcher: Listener | undefined,
  { changes, trustReward = false, signal, runtimeOf = nodeRuntime }: ContinueOptions,
): Promise<TrainerState> {
  const manifest = await readRunManifest(folder)
  await checkFiles(folder, manifest, 'run')
  const before = trustReward ? await keepReward(folder) : await readRunConfig(folder)
  await checkReward(before)
  const settings = changes ? changed(before, changes) : before
  const config = await readModelConfig(folder)
  checkManifest(folder, manifest, before, config)
  const about = { settings, manifest, config, runtime: runtimeOf(runDevice(settings)) }
  const knows = { about, before, changes: changes !== undefined, watcher, signal }
  return withTensors(about, (tensors) => trainOn(folder, tensors, knows))
}

interface Continued {
  readonly about: RunToOpen
  /** What it was made with. */
  readonly before: SettledConfig
  /** Whether it goes on with other options. */
  readonly changes: boolean
  readonly watcher: Listener | undefined
  readonly signal: AbortSignal | undefined
}

async function trainOn(
  folder: string,
  tensors: TrainingState,
  { about, before, changes, watcher, signal }: Continued,
): Promise<TrainerState> {
  const { settings, manifest, config } = about
  const { lora, head, identity } = manifest
  const note = (sentence: string) => watcher?.note?.(sentence)
  const state = await loadState(folder, tensors, manifest, config, note)
  if (changes) await keepChanges(settings, state)
  // A run keeps what it began with but for its place, of which the last one is known.
  const began = { ...pickChangeable(before), ...manifest.began_with }
  const { changes: optionChanges, news } = await followChanges(folder, began, settings, state.global_step)
  const different = [...differences(before, settings), ...news]
  const logFile = join(folder, 'log.jsonl')
  const { evaluations, unjudged } = await healLog(folder, logFile, state.global_step, note)

  const trained = { lora, head, config, baseModel: settings.model, companions: folder, identity }
  const kept: Listener = { evaluation: (record) => keepEnds(evaluations, record) }
  const told: Listener = {
    start({ totalSteps, fromStep }) {
      if (different.length > 0) note(changeNote(different, settings, totalSteps, fromStep))
    },
  }
  const task = await taskNamed(settings.task).work()
  return withOpenRun(folder, { ...about, tensors, state, note }, (run) => {
    const rows = { training: run.trainData.size, validation: run.validationData.size }
    return task.train({
      ...run,
      unjudged,
      async save(name, at) {
        const facts = { config: settings, changes: optionChanges, manifest, rows, evaluations }
        const card = runCard({ ...facts, step: at.global_step })
        const stored = storedState(at, settings.task)
        await writeCheckpoint(join(folder, 'checkpoints', name), tensors, trained, stored, card)
      },
      listeners: [logWriter(logFile), kept, told, ...(watcher ? [watcher] : [])],
      signal,
    })
  })
}

/**
 * Writes the changed options into the run.
 *
 * @throws UserError where the run cannot follow them from where it stands
 */
async function keepChanges(settings: SettledConfig, { global_step }: TrainerState): Promise<void> {
  const { output_dir: run, max_steps } = settings
  if (max_steps !== null && max_steps < global_step)
    throw new UserError(
      `max_steps ${max_steps} lies before step ${global_step}, which ${run} has reached; give more`,
    )
  await checkRunDevice(settings)
  await keepOptions(run, pickChangeable(settings))
}
