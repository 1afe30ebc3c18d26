/** @module */
import { z } from 'zod'

import { checkJson } from '../schema.ts'
import { createTokenizer } from '../text/create_tokenizer.ts'
import { fitTokenizer } from '../text/fit_tokenizer.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import type { Files } from './files.ts'
import { has } from './files.ts'
import { readTokenizerFiles } from './tokenizer_files.ts'

const modelSchema = z.looseObject({ vocab_size: z.int().min(1).optional() })

/**
 * Opens the tokenizer among files: `tokenizer.json`, or the vocabulary of a GPT-2 or BERT alone, as `tokenizer_config.json` and the
 * others beside it say. Where a model's `config.json` is there too, texts may have no tokens but the model's.
 *
 * @param name what errors call tokenizer and model together
 * @throws UserError where it is missing, broken, another model's, or uses what is not supported.
 */
export async function openTokenizer(files: Files, name = files.where): Promise<Tokenizer> {
  const { json, config, where } = await readTokenizerFiles(files)
  const tokenizer = createTokenizer(json, config, where)
  if (!(await has(files, 'config.json'))) return tokenizer
  const model = await files.json('config.json')
  const { vocab_size } = checkJson(modelSchema, model, files.path('config.json'))
  return vocab_size === undefined ? tokenizer : fitTokenizer(tokenizer, vocab_size, name)
}
