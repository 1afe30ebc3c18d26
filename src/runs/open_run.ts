/**
 * A run with all that its task trains with: sessions, data, tensors.
 * @module
 */
import { join } from 'node:path'

import type { ModelConfig } from '../../graphs/models/family.ts'
import { plasticTensors } from '../../graphs/optimizers/plastic.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import { UserError } from '../errors.ts'
import { readGenerationConfig } from '../formats/generation_config.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { stopTokens } from '../generation/token_generator.ts'
import type { TrainerState } from '../learning/trainer_state.ts'
import { createClosing } from '../runtime/closing.ts'
import { loraScale } from '../runtime/feeds.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { TrainingState } from '../runtime/training_state.ts'
import type { OpenRun } from '../tasks/task.ts'
import type { SettledConfig } from './config.ts'
import { prepacks, taskOptions } from './config.ts'
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

/** Room for the tensors that a run trains, and for what the optimizer keeps of them. */
export function tensorsOf({ settings, manifest, config, runtime }: RunToOpen): TrainingState {
  const { trainable } = runGraphs(manifest, config, new Map())
  return runtime.state(trainable, {
    accumulate: settings.gradient_accumulation_steps > 1,
    ...(settings.plastic ? { traced: new Set(plasticTensors(config, trainable).keys()) } : {}),
  })
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
  const constants = typeof lora === 'string' ? {} : loraScale(lora.lora_alpha / lora.r)
  const closing = createClosing()
  try {
    const training = closing.add(await runtime.open(join(folder, 'training_model.onnx'), { prepacking }))
    const evaluation = closing.add(
      await runtime.open(join(folder, 'eval_model.onnx'), { prepacking, spinning: false }),
    )
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
      stop_tokens: stopTokens(tokenizer, await readGenerationConfig(folder)),
      host: folderHost(folder, settings, runtime, note),
    })
  } finally {
    await closing.close()
  }
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
