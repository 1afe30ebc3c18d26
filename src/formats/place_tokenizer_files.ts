/** @module */
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import { effectiveTokenizer } from '../text/tokenizer_config.ts'
import { diskFiles } from './disk_files.ts'
import { hasTokenizer, readTokenizerFiles, tokenizerFilesIn } from './tokenizer_files.ts'

/**
 * Copies the tokenizer of a folder, where it has one, with a `tokenizer.json` that says all of it: other runtimes read no more.
 */
export async function placeTokenizerFiles(from: string, to: string): Promise<void> {
  const files = diskFiles(from)
  const present = await tokenizerFilesIn(files)
  for (const name of present) await copyFile(join(from, name), join(to, name))
  if (!(await hasTokenizer(files))) return
  const { json, config, where } = await readTokenizerFiles(files)
  const { description } = effectiveTokenizer(json, config, where)
  const isSaid = present.includes('tokenizer.json') && isDeepStrictEqual(json, description)
  if (!isSaid) await writeFile(join(to, 'tokenizer.json'), JSON.stringify(description))
}
