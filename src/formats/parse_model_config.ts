/** @module */
import { z } from 'zod'

import type { ModelConfig } from '../../graphs/models/family.ts'
import { familyOf } from '../../graphs/models/family.ts'
import { UserError } from '../errors.ts'
import { checkJson } from '../schema.ts'
import { quote } from '../quote.ts'
import { familyFormats } from './families/family.ts'
import { plainType } from './families/writing.ts'

/**
 * The configuration of a model of any family, from the value of its `config.json`. What the type does not name is kept at run time,
 * to be written again.
 *
 * @param where what errors call the file
 * @throws UserError where it is another kind of model's, or where a value is out of bounds
 */
export function parseModelConfig(json: unknown, where: string): ModelConfig {
  const given = checkJson(z.looseObject({ model_type: z.unknown().optional() }), json, where)
  // An older GPT-2 names no type.
  const { model_type = 'gpt2' } = given
  const name = typeof model_type === 'string' ? plainType(model_type) : undefined
  const format = Object.entries(familyFormats).find(([known]) => known === name)?.[1]
  if (!format)
    throw new UserError(
      `${where} describes a model of type ${quote(model_type)}; only ${listed(Object.keys(familyFormats))} are supported`,
    )
  return format.parse({ ...given, model_type: name }, where)
}

const listed = (names: readonly string[]): string => `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`

/** What models of transformers give whose heads are none of a language model's, in the names of their architectures. */
const OTHER_HEADS = /For(?:TokenClassification|QuestionAnswering|MultipleChoice|ImageClassification)$/

/** @throws UserError where models of such a configuration write no texts; `where` says where it lies */
export function checkWrites(config: ModelConfig, where: string): void {
  const { architectures } = config as { architectures?: unknown }
  const other = [architectures]
    .flat()
    .find((name): name is string => typeof name === 'string' && OTHER_HEADS.test(name))
  if (other !== undefined)
    throw new UserError(
      `${where} describes a ${other}, whose head is not supported by ortune and writes no texts; name a language model`,
    )
  const { language, noun } = familyOf(config)
  if (!language)
    throw new UserError(
      `${where} describes a ${noun}, which reads texts and writes none; name a language model, or use it for task classification or reward`,
    )
}
