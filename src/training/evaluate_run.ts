/**
 * How good a run's model is on the data that the run has prepared.
 * @module
 */
import { join } from 'node:path'

import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2_config.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { loraParameterShapes } from '../../graphs/models/lora_config.ts'
import { openArrowDataset } from '../data/arrow_reader.ts'
import { splitFile } from '../data/splits.ts'
import type { Split } from '../data/splits.ts'
import { UserError } from '../errors.ts'
import type { CheckpointName, FoundModel } from '../formats/find_model.ts'
import { findModel } from '../formats/find_model.ts'
import { readGpt2Config } from '../formats/gpt2_config.ts'
import { readManifest } from '../formats/manifest.ts'
import { openGpt2Folder } from '../formats/model_folder.ts'
import { readPeftAdapter } from '../formats/peft.ts'
import { exists } from '../formats/read_file.ts'
import { readEntries } from '../formats/safetensors.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import { adapterInputs, loraScale } from '../generation/adapter_inputs.ts'
import { openNodeSession } from '../runtime/node.ts'
import type { Feeds } from '../runtime/session.ts'
import type { Evaluation } from './evaluate.ts'
import { evaluateLoss } from './evaluate.ts'
import { readRunConfig } from './run.ts'

export interface RunEvaluation extends Evaluation {
  readonly run: string
  readonly checkpoint: CheckpointName
  readonly split: Split
}

/**
 * Evaluates a checkpoint of a run on one of its splits.
 *
 * @param checkpoint by default the best, or what there is
 * @throws UserError where the folder is no run, or has no such checkpoint or split
 */
export async function evaluateRun(
  run: string,
  split: Split,
  checkpoint?: CheckpointName,
): Promise<RunEvaluation> {
  if (!(await exists(join(run, 'training.json'))))
    throw new UserError(`${run} is no training run; name the output_dir of one`)
  const options = await readRunConfig(run)
  const config = await readGpt2Config(run)
  const { lora } = await readManifest(run)
  const model = await findModel(run, { checkpoint })
  const parameters = lora ? await adapterParameters(config, lora, model) : await allParameters(model)
  const file = splitFile(join(run, 'data'), split)
  if (!(await exists(file)))
    throw new UserError(`${run} has no ${split} data; change the split of its sources, or name another split`)

  const dataset = openArrowDataset(file)
  const session = await openNodeSession(join(run, 'eval_model.onnx'), {
    provider: options.provider,
    ...(options.threads ? { threads: options.threads } : {}),
  })
  try {
    const result = await evaluateLoss(session, parameters, dataset, options.per_device_eval_batch_size)
    return { run, checkpoint: model.checkpoint!, split, ...result }
  } finally {
    dataset.close()
    await session.release()
  }
}

/** The adapter's tensors; for the base model zeros and the scale 0. */
async function adapterParameters(
  config: Gpt2Config,
  lora: LoraConfig,
  { adapter }: FoundModel,
): Promise<Feeds> {
  if (adapter !== undefined) return adapterInputs(config, await readPeftAdapter(adapter), adapter).feeds
  const zeros = [...loraParameterShapes(gpt2ParameterShapes(config), lora)].map(([name, shape]) => {
    const data = new Float32Array(shape.reduce((product, dimension) => product * dimension, 1))
    return [name, { shape, data }] as const
  })
  return { ...tensorFeeds(new Map(zeros)), ...loraScale(0) }
}

async function allParameters({ base }: FoundModel): Promise<Feeds> {
  const { weights, tensors } = await openGpt2Folder(base)
  return tensorFeeds(await readEntries(weights, tensors))
}
