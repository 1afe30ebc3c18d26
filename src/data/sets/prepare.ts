/**
 * Data sets of files, in a folder that appears whole or not at all.
 * @module
 */
import { readdir } from 'node:fs/promises'

import { UserError } from '../../errors.ts'
import { writeFolderAtomic } from '../../formats/atomic.ts'
import { fileAt } from '../../formats/disk_file.ts'
import { diskFiles } from '../../formats/disk_files.ts'
import { loadTokenizer } from '../../formats/load_tokenizer.ts'
import type { DataSource } from '../sources/source_rows.ts'
import { planSets } from './prepare_sets.ts'
import type { PrepareReport, SetsOptions } from './prepare_sets.ts'
import { splitFile, withSplitFiles } from './split_files.ts'
import { SPLITS } from './splits.ts'

export type { PrepareReport }

/** A file of rows. */
export interface Source extends Omit<DataSource, 'file'> {
  readonly path: string
}

export interface PrepareOptions extends Omit<
  SetsOptions,
  'sources' | 'evaluation' | 'tokenizer' | 'tokenizerFiles'
> {
  readonly sources: readonly Source[]
  /** What is evaluated on, where it is another: the rows of these that are not for training, in place of those of `sources`. */
  readonly evaluation?: Pick<PrepareOptions, 'sources' | 'filter' | 'maxLength'> | undefined
  /** Folder with a tokenizer. */
  readonly tokenizerFolder: string
  /** Folder to write; one that holds data sets already is replaced. */
  readonly out: string
}

/** Replacing a folder deletes what is in it, so only our own files may be there. */
async function checkFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const foreign = names.find((name) => !SPLITS.some((split) => splitFile('', split) === name))
  if (foreign !== undefined) {
    throw new UserError(`${folder} holds other files (${foreign}); name a new folder for the data sets`)
  }
}

const opened = (sources: readonly Source[]): DataSource[] =>
  sources.map(({ path, ...source }) => ({ ...source, file: fileAt(path) }))

/**
 * Prepares data sets for training: writes `train.arrow`, `validation.arrow` and `test.arrow`, those that have rows.
 *
 * @example
 * const sources = [{ path: 'words.csv', split: { validation: 0.1, test: 0, seed: 42 } }]
 * await prepare({ sources, tokenizerFolder: 'artifacts/pocket', maxLength: 128, out: 'words-data' })
 *
 * @throws UserError where an option, a source or a row is wrong, or no example is left; nothing is written then.
 */
export async function prepare(options: PrepareOptions): Promise<PrepareReport> {
  const { sources, evaluation, tokenizerFolder, out } = options
  await checkFolder(out)
  const preparation = await planSets({
    ...options,
    sources: opened(sources),
    evaluation: evaluation && { ...evaluation, sources: opened(evaluation.sources) },
    tokenizer: await loadTokenizer(tokenizerFolder),
    tokenizerFiles: diskFiles(tokenizerFolder),
  })
  let report: PrepareReport | undefined
  const fill = async (folder: string): Promise<void> => {
    report = await withSplitFiles(folder, (open) => preparation.write(open))
  }
  await writeFolderAtomic(out, fill, () => checkFolder(out))
  return report!
}
