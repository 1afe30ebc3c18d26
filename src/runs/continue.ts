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

import type { EncoderConfig } from '../../graphs/models/encoder.ts'
import { backboneShapes, isBert } from '../../graphs/models/encoder.ts'
import { nptShapes } from '../../graphs/models/npt_config.ts'
import type { ArrowDataset } from '../data/sets/arrow_reader.ts'
import { openArrowDataset } from '../data/sets/arrow_reader.ts'
import { splitFile } from '../data/sets/splits.ts'
import { UserError } from '../errors.ts'
import type { Trained } from './checkpoint.ts'
import { loadParameters, loadTensors, readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import type { Manifest } from '../formats/manifest.ts'
import { readManifest } from '../formats/manifest.ts'
import { readModelConfig } from '../formats/model_config.ts'
import { exists, readJson } from '../formats/read_file.ts'
import { checkJson } from '../formats/schema.ts'
import { loraScale } from '../models/adapter_inputs.ts'
import { openNodeSession } from '../runtime/node.ts'
import type { ParameterMemory } from '../runtime/parameter_memory.ts'
import { createParameterMemory } from '../runtime/parameter_memory.ts'
import { INITIAL_NPT, initialAdapter, initialHead, initialPlasticBlocks } from './initialise.ts'
import type { EvaluationRecord, StepRecord, Watcher } from '../learning/progress.ts'
import { continuePpo } from '../tasks/ppo/run.ts'
import type { RunConfig } from './config.ts'
import { prepacks, runConfigSchema } from './config.ts'
import { appendRecord, truncateRecords } from './log.ts'
import { parameterFeeds, trainSupervised } from '../learning/gradient_descent.ts'
import { supervision } from './supervision.ts'
import { taskGraphs } from './task_graphs.ts'
import type { TrainerState } from '../learning/trainer_state.ts'
import { initialState, trainerStateSchema } from '../learning/trainer_state.ts'

/** The configuration a run was created with. */
export async function readRunConfig(folder: string): Promise<RunConfig> {
  const path = join(folder, 'training.json')
  if (!(await exists(path))) throw new UserError(`${folder} is no training run; name the output_dir of one`)
  return { ...checkJson(runConfigSchema, await readJson(path), path), output_dir: folder }
}

/** Trains a created run to its end, from its last checkpoint where it has one. */
export async function continueRun(folder: string, watcher?: Watcher): Promise<TrainerState> {
  const options = await readRunConfig(folder)
  const manifest = await readManifest(folder)
  const config = await readModelConfig(folder)
  const { lora, head } = manifest
  const { trainable } = taskGraphs(manifest, config, new Map())
  const memory = createParameterMemory(trainable, { accumulate: options.gradient_accumulation_steps > 1 })
  const state = await loadState(folder, memory, manifest, config)
  const logFile = join(folder, 'log.jsonl')
  await truncateRecords(logFile, state.global_step)

  const { provider, threads } = options
  const sessions = { provider, prepacking: prepacks(options), ...(threads ? { threads } : {}) }
  const training = await openNodeSession(join(folder, 'training_model.onnx'), {
    ...sessions,
    inPlaceOutputs: true,
  })
  const evaluation = await openNodeSession(join(folder, 'eval_model.onnx'), { ...sessions, spinning: false })
  const trainData = openArrowDataset(splitFile(join(folder, 'data'), 'train'))
  const validationData = openArrowDataset(splitFile(join(folder, 'data'), 'validation'))
  checkData([trainData, validationData], config.vocab_size)
  const trained: Trained = { lora, head, config, baseModel: options.model, companions: folder }
  const constants = typeof lora === 'string' ? {} : loraScale(lora.lora_alpha / lora.r)
  const common = {
    options,
    training,
    memory,
    constants,
    trainData,
    state,
    save: (name: 'best' | 'last', at: TrainerState) =>
      writeCheckpoint(join(folder, 'checkpoints', name), memory, trained, at),
    log: (record: StepRecord | EvaluationRecord) => appendRecord(logFile, record),
    ...(watcher ? { watcher } : {}),
  }
  const parameters = { ...parameterFeeds(memory), ...constants }
  try {
    if (options.ppo)
      return await continuePpo({ ...common, folder, lora, evaluation, validationData }, options.ppo)
    const needs = { folder, manifest, config, options, evaluation, parameters, trainData, validationData }
    const onPairs = (pairs: number, of: number) => watcher?.reference?.(pairs, of)
    return await trainSupervised({ ...common, ...(await supervision({ ...needs, onPairs })) })
  } finally {
    trainData.close()
    validationData.close()
    await training.release()
    await evaluation.release()
  }
}

/** Fills the memory from the last checkpoint, or with the tensors a run starts from. */
async function loadState(
  folder: string,
  memory: ParameterMemory,
  { lora, head, npt, seed }: Manifest,
  config: EncoderConfig,
): Promise<TrainerState> {
  const last = join(folder, 'checkpoints', 'last')
  const state = await readCheckpoint(last, memory, lora)
  if (state !== undefined) return checkJson(trainerStateSchema, state, join(last, 'trainer_state.json'))
  if (lora === 'full') await loadParameters(folder, memory, head ? backboneShapes(config) : undefined)
  else initialAdapter(memory, seed)
  if (npt && !isBert(config)) {
    initialPlasticBlocks(memory, npt, seed)
    const given = join(folder, INITIAL_NPT)
    if (await exists(given)) await loadTensors(given, memory, nptShapes(config, npt))
  }
  if (head) initialHead(memory, config, seed)
  return initialState
}

function checkData(datasets: readonly ArrowDataset[], vocabularySize: number): void {
  for (const dataset of datasets) {
    if (dataset.vocabularySize > vocabularySize) {
      throw new UserError(
        `the data was made with a vocabulary of ${dataset.vocabularySize} tokens but the model has ${vocabularySize}; prepare it with the model's own tokenizer`,
      )
    }
  }
}
