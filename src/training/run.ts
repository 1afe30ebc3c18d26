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

import { backboneShapes } from '../../graphs/models/classifier.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { nptShapes } from '../../graphs/models/npt_config.ts'
import type { ArrowDataset } from '../data/arrow_reader.ts'
import { openArrowDataset } from '../data/arrow_reader.ts'
import { splitFile } from '../data/splits.ts'
import { UserError } from '../errors.ts'
import { writeFileAtomic } from '../formats/atomic.ts'
import type { Trained } from '../formats/checkpoint.ts'
import { loadParameters, loadTensors, readCheckpoint, writeCheckpoint } from '../formats/checkpoint.ts'
import { readGpt2Config } from '../formats/gpt2_config.ts'
import type { Manifest } from '../formats/manifest.ts'
import { readManifest } from '../formats/manifest.ts'
import { exists, readJson, readText } from '../formats/read_file.ts'
import { checkJson } from '../formats/schema.ts'
import { loraScale } from '../generation/adapter_inputs.ts'
import { openNodeSession } from '../runtime/node.ts'
import type { ParameterMemory } from '../runtime/parameter_memory.ts'
import { createParameterMemory } from '../runtime/parameter_memory.ts'
import type { Feeds, Session } from '../runtime/session.ts'
import { causalLmObjective, evaluateCausalLm } from './causal_lm.ts'
import { classificationObjective, evaluateClassification } from './classification.ts'
import { consolidationObjective, evaluateConsolidation } from './consolidation.ts'
import { equivalenceObjective, evaluateEquivalence } from './equivalence.ts'
import { INITIAL_NPT, initialAdapter, initialHead, initialPlasticBlocks } from './initialise.ts'
import type { Metrics, Watcher } from './progress.ts'
import type { RunConfig } from './run_config.ts'
import { runConfigSchema } from './run_config.ts'
import type { Objective } from './supervised.ts'
import { trainSupervised } from './supervised.ts'
import { taskGraphs } from './task_graphs.ts'
import type { TrainerState } from './trainer_state.ts'
import { initialState, trainerStateSchema } from './trainer_state.ts'

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
  const config = await readGpt2Config(folder)
  const { lora, head } = manifest
  const { trainable } = taskGraphs(manifest, config, new Map())
  const memory = createParameterMemory(trainable, { accumulate: options.gradient_accumulation_steps > 1 })
  const state = await loadState(folder, memory, manifest, config)
  await truncateLog(folder, state.global_step)

  const { provider, prepacking } = options
  const sessions = { provider, prepacking, ...(options.threads ? { threads: options.threads } : {}) }
  const training = await openNodeSession(join(folder, 'training_model.onnx'), {
    ...sessions,
    inPlaceOutputs: true,
  })
  const evaluation = await openNodeSession(join(folder, 'eval_model.onnx'), { ...sessions, spinning: false })
  const trainData = openArrowDataset(splitFile(join(folder, 'data'), 'train'))
  const validationData = openArrowDataset(splitFile(join(folder, 'data'), 'validation'))
  checkData([trainData, validationData], config.vocab_size)
  const trained: Trained = { lora, head, config, baseModel: options.model, companions: folder }
  const batchSize = options.per_device_eval_batch_size
  try {
    return await trainSupervised({
      options,
      objective: objectiveOf(manifest, config, options.seed),
      training,
      memory,
      constants: typeof lora === 'string' ? {} : loraScale(lora.lora_alpha / lora.r),
      trainData,
      evaluate: (parameters) => judge(manifest, evaluation, parameters, validationData, batchSize),
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

function objectiveOf(
  { head, equivalence, consolidation }: Manifest,
  config: Gpt2Config,
  seed: number,
): Objective {
  if (equivalence) return equivalenceObjective
  if (consolidation) return consolidationObjective(consolidation.fold)
  return head ? classificationObjective({ ...head, width: config.n_embd, seed }) : causalLmObjective
}

async function judge(
  { head, equivalence, consolidation }: Manifest,
  evaluation: Session,
  parameters: Feeds,
  data: ArrowDataset,
  batchSize: number,
): Promise<Metrics> {
  if (equivalence) {
    const { loss } = await evaluateEquivalence(evaluation, parameters, data, batchSize)
    return { eval_loss: loss }
  }
  if (consolidation) {
    const options = { batchSize, fold: consolidation.fold }
    const { loss } = await evaluateConsolidation(evaluation, parameters, data, options)
    return { eval_loss: loss }
  }
  if (head) {
    const options = { batchSize, pooling: head.pooling }
    const { loss, report } = await evaluateClassification(evaluation, parameters, data, options)
    return { eval_loss: loss, eval_accuracy: report.accuracy, eval_macro_f1: report.macro.f1 }
  }
  const { loss, perplexity } = await evaluateCausalLm(evaluation, parameters, data, batchSize)
  return { eval_loss: loss, eval_perplexity: perplexity }
}

/** Fills the memory from the last checkpoint, or with the tensors a run starts from. */
async function loadState(
  folder: string,
  memory: ParameterMemory,
  { lora, head, npt, seed }: Manifest,
  config: Gpt2Config,
): Promise<TrainerState> {
  const last = join(folder, 'checkpoints', 'last')
  const state = await readCheckpoint(last, memory, lora)
  if (state !== undefined) return checkJson(trainerStateSchema, state, join(last, 'trainer_state.json'))
  if (lora === 'full') await loadParameters(folder, memory, head ? backboneShapes(config) : undefined)
  else initialAdapter(memory, seed)
  if (npt) {
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
