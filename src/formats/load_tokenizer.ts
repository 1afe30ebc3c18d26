/** @module */
import { createTokenizer } from '../text/create_tokenizer.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { readTokenizerFiles } from './tokenizer_files.ts'

/**
 * Opens the tokenizer of a folder: `tokenizer.json`, or the vocabulary of a GPT-2 or BERT alone, as `tokenizer_config.json` and
 * the other files beside it say.
 * @throws UserError where it is missing, broken, or uses what is not supported.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const { json, config, where } = await readTokenizerFiles(folder)
  return createTokenizer(json, config, where)
}
