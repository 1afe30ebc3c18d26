/** @module */
import type { EncoderConfig } from '../../graphs/models/encoder.ts'
import { isBert } from '../../graphs/models/encoder.ts'
import { UserError } from '../errors.ts'
import { readModelConfig } from '../formats/model_config.ts'
import type { RunConfig } from './config.ts'

/**
 * The configuration of the model that a run starts from.
 *
 * @throws UserError where it cannot be read, or where such a model is not made for the task
 */
export async function readTaskModel({
  model,
  task,
  npt,
  pooling,
}: Pick<RunConfig, 'model' | 'task' | 'npt' | 'pooling'>): Promise<EncoderConfig> {
  const config = await readModelConfig(model)
  if (!isBert(config)) return config
  if (task !== 'classification' && task !== 'reward')
    throw new UserError(
      `${model} is a BERT, which reads texts and writes none; name a GPT-2 for task ${task}, or set the task to classification or reward`,
    )
  if (npt) throw new UserError(`${model} is a BERT, and plastic blocks are blocks of GPT-2; leave npt out`)
  if (pooling !== 'last')
    throw new UserError(
      `${model} is a BERT, which has a pooled output of its own; pooling is for GPT-2, so leave it out`,
    )
  return config
}
