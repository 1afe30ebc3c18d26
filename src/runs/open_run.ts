/**
 * A run with all that its task trains with: sessions, data, tensors.
 * @module
 */
import { basename, join } from 'node:path'

import { serialize } from '../../graphs/ir/serialize.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { adapterScale } from '../../graphs/models/lora_config.ts'
import { plasticTensors } from '../../graphs/optimizers/plastic.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import { UserError } from '../errors.ts'
import { externalData } from '../formats/external_data.ts'
import { readGenerationConfig } from '../formats/generation_config.ts'
import { diskFiles } from '../formats/disk_files.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { openFrozenFolder } from '../formats/frozen_weights.ts'
import type { Precision } from '../formats/precision.ts'
import { stopTokens } from '../generation/token_generator.ts'
import type { TrainerState } from '../learning/trainer_state.ts'
import { createClosing } from '../runtime/closing.ts'
import { loraScale } from '../runtime/feeds.ts'
import type { Widening } from '../models/computable.ts'
import { computable } from '../models/computable.ts'
import type { OpenOptions, Runtime } from '../runtime/runtime.ts'
import type { Session } from '../runtime/session.ts'
import type { TrainingState } from '../runtime/training_state.ts'
import type { OpenRun } from '../tasks/task.ts'
import type { SettledConfig } from './config.ts'
import { prepacks } from './config.ts'
import { taskOptions } from './learning_config.ts'
import { folderHost } from './host.ts'
import { runGraphs } from './run_graphs.ts'
import type { RunManifest } from './run_manifest.ts'
import { openSplitFile } from './split.ts'

/** What is known of a run before it is opened. */
export interface RunToOpen {
  readonly settings: SettledConfig
  readonly manifest: RunManifest
  readonly config: ModelConfig
  readonly runtime: Runtime
}

/** Makes room for the tensors that a run trains, and for what the optimizer keeps of them, and frees it after use. */
export async function withTensors<T>(
  { settings, manifest, config, runtime }: RunToOpen,
  use: (tensors: TrainingState) => Promise<T>,
): Promise<T> {
  const { trainable } = await runGraphs(manifest, config, new Map())
  const tensors = await runtime.state(trainable, {
    accumulate: settings.gradient_accumulation_steps > 1,
    ...(settings.plastic ? { traced: new Set(plasticTensors(config, trainable).keys()) } : {}),
  })
  try {
    return await use(tensors)
  } finally {
    await tensors.release()
  }
}

export interface FilledRun extends RunToOpen {
  readonly tensors: TrainingState
  readonly state: TrainerState
  /** Is told which code of the user's is run, before it is. */
  readonly note?: (sentence: string) => void
}

/** A run in training, but for what it tells and keeps. */
export type BareRun = Omit<OpenRun<object>, 'save' | 'listeners' | 'signal'>

/** Opens the sessions and the data of a run, and closes them after use. */
export async function withOpenRun<T>(
  folder: string,
  { settings, manifest, config, runtime, tensors, state, note }: FilledRun,
  use: (run: BareRun) => Promise<T>,
): Promise<T> {
  const { lora, head, npt } = manifest
  const prepacking = prepacks(settings)
  const constants = typeof lora === 'string' ? {} : loraScale(adapterScale(lora))
  const closing = createClosing()
  const chosen = await runtime.chosen?.()
  if (chosen !== undefined) note?.(chosen)
  try {
    const open = await runOpener(folder, { settings, manifest, config, runtime, ...(note ? { note } : {}) })
    const training = closing.add(await open('training', { prepacking }))
    const evaluation = closing.add(await open('evaluation', { prepacking, spinning: false }))
    const [trainData, validationData] = [
      closing.add(openSplitFile(folder, 'train')),
      closing.add(openSplitFile(folder, 'validation')),
    ]
    checkData([trainData, validationData], config.vocab_size)
    const tokenizer = await loadTokenizer(folder)
    return await use({
      ...{ settings, options: taskOptions(settings), config, lora, npt, head, state },
      ...{ training, evaluation, tensors, constants, trainData, validationData },
      parameters: { ...tensors.parameters, ...constants },
      tokenizer,
      stop_tokens: stopTokens(tokenizer, await readGenerationConfig(diskFiles(folder))),
      host: folderHost(folder, settings, runtime, note),
    })
  } finally {
    await closing.close()
  }
}

const FILES = { training: 'training_model.onnx', evaluation: 'eval_model.onnx' } as const

/**
 * Opens the graphs of a run: as its folder has them, or, with numbers of 16 bits, built again as the runtime computes them, so that a
 * run may go on elsewhere.
 */
async function runOpener(
  folder: string,
  { manifest, config, runtime, note }: RunToOpen & Pick<FilledRun, 'note'>,
): Promise<(graph: keyof typeof FILES, options: OpenOptions) => Promise<Session>> {
  const path = (graph: keyof typeof FILES) => join(folder, FILES[graph])
  const asTheyAre = (graph: keyof typeof FILES, options: OpenOptions) => runtime.open(path(graph), options)
  const { tensors } = await openFrozenFolder(folder)
  const { precision = 'fp32' } = manifest
  if (precision === 'fp32' && ![...tensors.values()].some(({ dtype }) => HALVES.has(dtype))) return asTheyAre
  const graphs = await runGraphs(manifest, config, externalData(tensors, basename))
  const { widened } = await computable(graphs.training(), runtime)
  if (widened === undefined) return asTheyAre
  note?.(NOTES[widened](precision))
  return async (graph, options) =>
    runtime.open(serialize((await computable(graphs[graph](), runtime)).graph), {
      ...options,
      name: path(graph),
      externalFolder: folder,
    })
}

const HALVES: ReadonlySet<string> = new Set(['F16', 'BF16'])

const NOTES: Readonly<Record<Widening, (precision: Precision) => string>> = {
  arithmetic: (precision) =>
    `the CPU has no arithmetic of 16 bits, so ${precision} is what tensors are stored in, and float32 what is computed in`,
  weights: () =>
    'the device cannot keep weights of these 16 bits, so the frozen ones are widened once, and take the memory of float32',
}

function checkData(datasets: readonly DataSet[], vocabularySize: number): void {
  for (const dataset of datasets) {
    if (dataset.vocabularySize > vocabularySize) {
      throw new UserError(
        `the data was made with a vocabulary of ${dataset.vocabularySize} tokens but the model has ${vocabularySize}; prepare it with the model's own tokenizer`,
      )
    }
  }
}
