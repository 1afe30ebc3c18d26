/**
 * Where the reference of a run of task dpo comes from: the model that training starts from, or a folder of its own. What it
 * says of the run's data is measured once and kept in the run as `reference_logps.safetensors`, `train` and `validation`
 * [pairs, 2].
 * @module
 */
import { join } from 'node:path'

import { dpoEvaluationGraph } from '../../../graphs/artifacts/dpo.ts'
import { gpt2ParameterShapes } from '../../../graphs/models/gpt2_config.ts'
import type { ArrowDataset } from '../../data/sets/arrow_reader.ts'
import { UserError } from '../../errors.ts'
import type { FoundModel } from '../../models/find_model.ts'
import { findModel } from '../../models/find_model.ts'
import { exists } from '../../formats/read_file.ts'
import { readSafetensorsHeader, readTensors, writeSafetensors } from '../../formats/safetensors.ts'
import type { OpenModel } from '../../models/open_found_model.ts'
import { openFoundModel, withModel } from '../../models/open_found_model.ts'
import type { Feeds, Session } from '../../runtime/session.ts'
import { tokenizerDifference } from '../../text/tokenizer_difference.ts'
import type { Reference } from './dpo.ts'
import { adaptersOff, measured, measureReference } from './dpo.ts'
import type { RunConfig } from '../../runs/config.ts'
import { dpoOptions } from '../../runs/config.ts'

/** What a run's configuration says of its reference and of how to compute. */
export type ReferenceConfig = Pick<
  RunConfig,
  'dpo' | 'lora' | 'provider' | 'threads' | 'per_device_eval_batch_size'
>

export interface MeasureOptions {
  /** A session of the evaluation graph that is open already: without its adapters it is the model that training starts from. */
  readonly open?: Pick<OpenModel, 'session' | 'parameters'>
  /** Called with the pairs that have been measured and with all there are. */
  readonly onPairs?: (done: number, total: number) => void
}

const KEPT = 'reference_logps.safetensors'

/** The training and the validation data of a run. */
export interface RunSplits<T> {
  readonly train: T
  readonly validation: T
}

/**
 * Checks that a configuration's reference can be had, before anything is computed.
 *
 * @param policy folder of the policy's tokenizer
 * @throws UserError where it cannot
 */
export async function checkReference(config: ReferenceConfig, policy: string): Promise<void> {
  const { ref_model, precompute_ref_log_probs } = dpoOptions(config)
  if (ref_model !== null) await findReference(ref_model, policy)
  if (precompute_ref_log_probs) return
  if (ref_model !== null || config.lora === 'full') {
    const remedy = ref_model === null ? 'train adapters' : 'leave ref_model out'
    throw new UserError(
      `dpo.precompute_ref_log_probs=false takes the policy without its adapters for the reference; ${remedy}, or leave it out`,
    )
  }
}

/** @throws UserError where the folder holds no language model, or one with another tokenizer than the policy's */
async function findReference(folder: string, policy: string): Promise<FoundModel> {
  const found = await findModel(folder)
  if (found.classifier || found.npt) {
    const kind = found.classifier ? 'is a classifier or a reward model' : 'has plastic blocks'
    throw new UserError(`dpo.ref_model: ${folder} ${kind}; name a language model, such as a run of task sft`)
  }
  const difference = await tokenizerDifference(found.base, policy)
  if (difference === undefined) return found
  throw new UserError(
    `dpo.ref_model: ${folder} has another tokenizer than the policy (${difference}); name a model with the same one`,
  )
}

/**
 * What the reference says of a run's training and validation data: as it was kept with the run, or else measured and kept.
 *
 * @throws UserError where it has to be measured and cannot be
 */
export async function keptReference(
  run: string,
  config: ReferenceConfig,
  data: RunSplits<ArrowDataset>,
  options: MeasureOptions = {},
): Promise<RunSplits<Reference>> {
  const kept = await readKept(run, data)
  if (kept) return kept
  const datasets = [data.train, data.validation]
  const [train, validation] = (await measure(run, config, datasets, options)) as [Float32Array, Float32Array]
  const tensor = (logps: Float32Array) => ({ shape: [logps.length / 2, 2], data: logps })
  const tensors = new Map([
    ['train', tensor(train)],
    ['validation', tensor(validation)],
  ])
  const { fingerprint } = data.train
  await writeSafetensors(join(run, KEPT), tensors, { format: 'pt', data: fingerprint })
  return { train: measured(train), validation: measured(validation) }
}

/** Undefined where there is none, or one of other data. */
async function readKept(
  run: string,
  { train, validation }: RunSplits<ArrowDataset>,
): Promise<RunSplits<Reference> | undefined> {
  const path = join(run, KEPT)
  if (!(await exists(path))) return undefined
  const { metadata } = await readSafetensorsHeader(path)
  const tensors = await readTensors(path, ['train', 'validation'])
  const [first, second] = [tensors.get('train')!.data, tensors.get('validation')!.data]
  const fits =
    metadata['data'] === train.fingerprint && first.length === train.size && second.length === validation.size
  return fits ? { train: measured(first), validation: measured(second) } : undefined
}

/**
 * What the reference of a run says of a data set, such as its test data.
 *
 * @throws UserError where the reference cannot be opened
 */
export async function referenceOf(
  run: string,
  config: ReferenceConfig,
  dataset: ArrowDataset,
  options: MeasureOptions = {},
): Promise<Reference> {
  const [logps] = await measure(run, config, [dataset], options)
  return measured(logps!)
}

/** Opens the reference where that is needed, measures, and releases it, so that it is not in memory beside the policy. */
async function measure(
  run: string,
  config: ReferenceConfig,
  datasets: readonly ArrowDataset[],
  { open, onPairs }: MeasureOptions,
): Promise<Float32Array[]> {
  const total = datasets.reduce((sum, { size }) => sum + size / 2, 0)
  let done = 0
  const options = {
    batchSize: config.per_device_eval_batch_size,
    onPairs: (pairs: number) => onPairs?.((done += pairs), total),
  }
  const measureAll = async (session: Session, parameters: Feeds) => {
    const results: Float32Array[] = []
    for (const dataset of datasets)
      results.push(await measureReference(session, parameters, dataset, options))
    return results
  }
  if (open && dpoOptions(config).ref_model === null && config.lora !== 'full')
    return measureAll(open.session, adaptersOff(open.parameters))
  const reference = await openReference(run, config)
  return withModel(reference, (session, parameters) => {
    for (const dataset of datasets) checkFits(reference, dataset)
    return measureAll(session, parameters)
  })
}

/** By default the model that the run starts from, which lies in its folder. */
async function openReference(run: string, config: ReferenceConfig): Promise<OpenModel> {
  const dpo = dpoOptions(config)
  const { provider, threads } = config
  return openFoundModel(
    dpo.ref_model === null ? { base: run } : await findReference(dpo.ref_model, run),
    gpt2ParameterShapes,
    (parts) => dpoEvaluationGraph({ ...parts, dpo }),
    { provider, ...(threads === null ? {} : { threads }) },
  )
}

function checkFits({ config: { n_positions, vocab_size } }: OpenModel, dataset: ArrowDataset): void {
  const longest = dataset.lengths.reduce((most, length) => Math.max(most, length), 0)
  if (longest > n_positions)
    throw new UserError(
      `dpo.ref_model reads ${n_positions} tokens but the data has answers that end at token ${longest}; lower max_length`,
    )
  if (dataset.vocabularySize > vocab_size)
    throw new UserError(
      `dpo.ref_model has ${vocab_size} tokens but the data was made with ${dataset.vocabularySize}; name a model with the policy's vocabulary`,
    )
}
