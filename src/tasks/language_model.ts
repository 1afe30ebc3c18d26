/** @module */
import { familyOf } from '../../graphs/models/family.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { UserError } from '../errors.ts'
import type { GraphRequest } from './task.ts'

/** A request for a model that writes. Throws UserError where it reads only. */
export function asLanguageModel(request: GraphRequest): GraphRequest {
  const { language, noun } = familyOf(request.config)
  if (!language)
    throw new UserError(`a ${noun} reads texts and writes none; name a language model, or train a head`)
  return request
}

/** The same for a model with plastic blocks. Throws UserError where it has none. */
export function asPlasticModel(
  request: GraphRequest,
  task: string,
): GraphRequest & { readonly npt: NptConfig } {
  const { npt } = request
  if (!npt) throw new UserError(`task ${task} trains plastic blocks; describe them under npt`)
  return { ...asLanguageModel(request), npt }
}
