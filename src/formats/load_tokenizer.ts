/** @module */
import type { Tokenizer } from '../text/tokenizer.ts'
import { diskFiles } from './disk_files.ts'
import { openTokenizer } from './open_tokenizer.ts'

/** Opens the tokenizer of a folder; see {@link openTokenizer}. */
export const loadTokenizer = (folder: string, name?: string): Promise<Tokenizer> =>
  openTokenizer(diskFiles(folder), name)
