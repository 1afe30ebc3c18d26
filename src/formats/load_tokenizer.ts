/** @module */
import { join } from 'node:path'

import { createTokenizer } from '../text/create_tokenizer.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { exists, readJson } from './read_file.ts'

/**
 * Opens `tokenizer.json` and, where there is one, `tokenizer_config.json` in a folder.
 * @throws UserError where they are missing, broken, or use what is not supported.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const path = join(folder, 'tokenizer.json')
  const configPath = join(folder, 'tokenizer_config.json')
  const config = (await exists(configPath)) ? await readJson(configPath) : {}
  return createTokenizer(await readJson(path), config, path)
}
