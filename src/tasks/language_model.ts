/** @module */
import { isBert } from '../../graphs/models/encoder.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { UserError } from '../errors.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import type { GraphRequest } from './task.ts'

/** A request for a model that writes. Throws UserError where it is a BERT. */
export function asLanguageModel(request: GraphRequest): GraphRequest & { readonly config: Gpt2Config } {
  const { config } = request
  if (isBert(config)) throw new UserError('a BERT reads texts and writes none; name a GPT-2, or train a head')
  return { ...request, config }
}

/** The same for a model with plastic blocks. Throws UserError where it has none. */
export function asPlasticModel(
  request: GraphRequest,
  task: string,
): GraphRequest & { readonly config: Gpt2Config; readonly npt: NptConfig } {
  const { npt } = request
  if (!npt) throw new UserError(`task ${task} trains plastic blocks; describe them under npt`)
  return { ...asLanguageModel(request), npt }
}
