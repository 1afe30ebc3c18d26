/**
 * The configuration of a model folder.
 * @module
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

import type { ModelConfig } from '../../graphs/models/family.ts'
import { familyOf } from '../../graphs/models/family.ts'
import { UserError } from '../errors.ts'
import { familyFormats } from './families/family.ts'
import { readJson } from './read_file.ts'
import { checkJson } from '../schema.ts'

/**
 * Reads the configuration of a model of any family: `path` is a model folder or a `config.json` itself. What the type does not
 * name is kept at run time, to be written again.
 * @throws UserError where there is none, where it is another kind of model's, or where a value is out of bounds
 */
export async function readModelConfig(path: string): Promise<ModelConfig> {
  const file = await configFile(path)
  const json = await readJson(file)
  const { model_type } = checkJson(z.looseObject({ model_type: z.unknown().optional() }), json, file)
  const format = Object.entries(familyFormats).find(([name]) => name === model_type)?.[1]
  // An older GPT-2 names no type, and a type that nobody knows is named by the error.
  return (format ?? familyFormats.gpt2).parse(json, file)
}

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
      `${where} describes a ${noun}, which reads texts and writes none; name a GPT-2, or use it for task classification or reward`,
    )
}

/** The `config.json` of a model folder, or the file that was named itself. */
async function configFile(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return isFolder ? join(path, 'config.json') : path
}
