/** @module */
import { join } from 'node:path'
import { z } from 'zod'

import { checkJson } from '../schema.ts'
import { createTokenizer } from '../text/create_tokenizer.ts'
import { fitTokenizer } from '../text/fit_tokenizer.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { exists, readJson } from './read_file.ts'
import { readTokenizerFiles } from './tokenizer_files.ts'

const modelSchema = z.looseObject({ vocab_size: z.int().min(1).optional() })

/**
 * Opens the tokenizer of a folder: `tokenizer.json`, or the vocabulary of a GPT-2 or BERT alone, as `tokenizer_config.json` and
 * the other files beside it say. Where a model's `config.json` lies there too, texts may have no tokens but the model's.
 *
 * @param name what errors call the folder of tokenizer and model
 * @throws UserError where it is missing, broken, another model's, or uses what is not supported.
 */
export async function loadTokenizer(folder: string, name = folder): Promise<Tokenizer> {
  const { json, config, where } = await readTokenizerFiles(folder)
  const tokenizer = createTokenizer(json, config, where)
  const model = join(folder, 'config.json')
  if (!(await exists(model))) return tokenizer
  const { vocab_size } = checkJson(modelSchema, await readJson(model), model)
  return vocab_size === undefined ? tokenizer : fitTokenizer(tokenizer, vocab_size, name)
}
