/**
 * A run's folder from its first file to its last: artifacts, data, checkpoints, log.
 *
 *     ortune.json  *.onnx  model.safetensors  config.json  tokenizer.json     what is trained
 *     data/train.arrow  data/validation.arrow                                 on what
 *     training.json                                                           with which options
 *     log.jsonl  checkpoints/last  checkpoints/best                           how it goes
 * @module
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'

import { trainableShapes } from '../../graphs/artifacts/causal_lm.ts'
import type { ArrowDataset } from '../data/arrow_reader.ts'
import { openArrowDataset } from '../data/arrow_reader.ts'
import { splitFile } from '../data/splits.ts'
import { UserError } from '../errors.ts'
import { writeFileAtomic } from '../formats/atomic.ts'
import type { Trained } from '../formats/checkpoint.ts'
import { loadTrained, readCheckpoint, writeCheckpoint } from '../formats/checkpoint.ts'
import { readGpt2Config } from '../formats/gpt2_config.ts'
import type { Manifest } from '../formats/manifest.ts'
import { readManifest } from '../formats/manifest.ts'
import { exists, readJson, readText } from '../formats/read_file.ts'
import { checkJson } from '../formats/schema.ts'
import { loraScale } from '../generation/adapter_inputs.ts'
import { openNodeSession } from '../runtime/node.ts'
import type { ParameterMemory } from '../runtime/parameter_memory.ts'
import { createParameterMemory } from '../runtime/parameter_memory.ts'
import { initialAdapter } from './initialise.ts'
import type { Watcher } from './progress.ts'
import type { RunConfig } from './run_config.ts'
import { runConfigSchema } from './run_config.ts'
import { trainSupervised } from './supervised.ts'
import type { TrainerState } from './trainer_state.ts'
import { initialState, trainerStateSchema } from './trainer_state.ts'

/** The configuration a run was created with. */
export async function readRunConfig(folder: string): Promise<RunConfig> {
  const path = join(folder, 'training.json')
  return { ...checkJson(runConfigSchema, await readJson(path), path), output_dir: folder }
}

/** Trains a created run to its end, from its last checkpoint where it has one. */
export async function continueRun(folder: string, watcher?: Watcher): Promise<TrainerState> {
  const config = await readRunConfig(folder)
  const manifest = await readManifest(folder)
  const modelConfig = await readGpt2Config(folder)
  const lora = manifest.lora
  const shapes = trainableShapes({ config: modelConfig, stored: new Map(), ...(lora ? { lora } : {}) })
  const memory = createParameterMemory(shapes, { accumulate: config.gradient_accumulation_steps > 1 })
  const state = await loadState(folder, memory, manifest)
  await truncateLog(folder, state.global_step)

  const sessions = {
    provider: config.provider,
    prepacking: config.prepacking,
    ...(config.threads ? { threads: config.threads } : {}),
  }
  const training = await openNodeSession(join(folder, 'training_model.onnx'), {
    ...sessions,
    inPlaceOutputs: true,
  })
  const evaluation = await openNodeSession(join(folder, 'eval_model.onnx'), { ...sessions, spinning: false })
  const trainData = openArrowDataset(splitFile(join(folder, 'data'), 'train'))
  const validationData = openArrowDataset(splitFile(join(folder, 'data'), 'validation'))
  checkData([trainData, validationData], modelConfig.vocab_size)
  const trained: Trained = lora
    ? { lora, baseModel: config.model }
    : { config: modelConfig, companions: folder }
  try {
    return await trainSupervised({
      options: config,
      training,
      evaluation,
      memory,
      constants: lora ? loraScale(lora.lora_alpha / lora.r) : {},
      trainData,
      validationData,
      state,
      save: (name, at) => writeCheckpoint(join(folder, 'checkpoints', name), memory, trained, at),
      log: (record) => appendFileSync(join(folder, 'log.jsonl'), `${JSON.stringify(record)}\n`),
      ...(watcher ? { watcher } : {}),
    })
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
  { lora, seed }: Manifest,
): Promise<TrainerState> {
  const last = join(folder, 'checkpoints', 'last')
  const state = await readCheckpoint(last, memory, lora ? 'lora' : 'full')
  if (state !== undefined) return checkJson(trainerStateSchema, state, join(last, 'trainer_state.json'))
  if (lora) initialAdapter(memory, seed)
  else await loadTrained(folder, memory, 'full')
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

/** Drops what a killed process logged after its last checkpoint, and a line it may have left half-written. */
async function truncateLog(folder: string, globalStep: number): Promise<void> {
  const path = join(folder, 'log.jsonl')
  if (!(await exists(path))) return
  const text = await readText(path)
  const kept = text.split('\n').filter((line) => line !== '' && stepOf(line) <= globalStep)
  await writeFileAtomic(path, kept.map((line) => `${line}\n`).join(''))
}

function stepOf(line: string): number {
  try {
    return (JSON.parse(line) as { step: number }).step
  } catch {
    return Infinity
  }
}
