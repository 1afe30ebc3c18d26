/**
 * The whole way of the data: source files → rows → template → tokens and labels → one Arrow file per split.
 * Streams: memory does not grow with the sources. The folder appears whole or not at all.
 * @module
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { UserError } from '../errors.ts'
import { writeFolderAtomic } from '../formats/atomic.ts'
import { exists } from '../formats/read_file.ts'
import { loadTokenizer } from '../text/tokenizer.ts'
import { encodeExample } from './encode.ts'
import { fingerprint } from './fingerprint.ts'
import { readRows } from './read_rows.ts'
import type { ReadOptions } from './read_rows.ts'
import type { Row } from './row.ts'
import { createSplitFiles } from './split_files.ts'
import type { SplitCounts } from './split_files.ts'
import { SPLITS, checkFractions, splitOfColumn, splitOfRow, splitFile } from './splits.ts'
import type { Split, SplitFractions } from './splits.ts'
import { compileTemplate } from './template.ts'
import type { TemplateSource } from './template.ts'

/** How a source's rows are split: all alike, by a column that says so, or by a seeded hash of the row. */
export type SplitRule =
  { readonly all: Split } | { readonly column: string } | (SplitFractions & { readonly seed: number })

export interface Source {
  readonly path: string
  readonly read?: ReadOptions
  readonly split: SplitRule
}

export interface PrepareOptions {
  readonly sources: readonly Source[]
  readonly template: TemplateSource
  /** Folder with tokenizer.json. */
  readonly tokenizerFolder: string
  /** Most tokens of an example, at most the model's context. */
  readonly maxLength: number
  /** What to do with a prompt that leaves no room for a completion; by default an error. */
  readonly overlong?: 'error' | 'skip'
  /** Folder to write; one that holds data sets already is replaced. */
  readonly out: string
  /** Called now and then with the rows read so far. */
  readonly onProgress?: (rows: number) => void
}

export interface PrepareReport {
  readonly fingerprint: string
  /** Of each split that has rows; a split with examples has a file, see `splitFile`. */
  readonly splits: SplitCounts
}

const PROGRESS_ROWS = 1000

function splitOf(rule: SplitRule, row: Row, where: string): Split {
  if ('all' in rule) return rule.all
  if ('column' in rule) return splitOfColumn(row, rule.column, where)
  return splitOfRow(row, rule, rule.seed)
}

/** Replacing a folder deletes what is in it, so only our own files may be there. */
async function checkFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const foreign = names.find((name) => !SPLITS.some((split) => splitFile('', split) === name))
  if (foreign !== undefined) {
    throw new UserError(`${folder} holds other files (${foreign}); name a new folder for the data sets`)
  }
}

async function tokenizerFiles(folder: string): Promise<string[]> {
  const config = join(folder, 'tokenizer_config.json')
  return [join(folder, 'tokenizer.json'), ...((await exists(config)) ? [config] : [])]
}

/** Writes the split files into `folder` and counts. */
async function writeSplits(folder: string, options: PrepareOptions, digest: string): Promise<SplitCounts> {
  const { sources, maxLength, onProgress } = options
  const template = compileTemplate(options.template)
  const tokenizer = await loadTokenizer(options.tokenizerFolder)
  const facts = { fingerprint: digest, vocabularySize: tokenizer.vocabSize, maxLength }
  const files = createSplitFiles(folder, facts)
  let rows = 0
  try {
    for (const { path, read, split } of sources) {
      let number = 0
      for await (const row of readRows(path, read)) {
        const where = `${path}, row ${++number}`
        const encoded = encodeExample(tokenizer, template.render(row, where), options, where)
        await files.add(splitOf(split, row, where), encoded)
        if (++rows % PROGRESS_ROWS === 0) onProgress?.(rows)
      }
    }
    onProgress?.(rows)
    const counts = await files.finish()
    if (Object.values(counts).some(({ examples }) => examples > 0)) return counts
  } finally {
    await files.close()
  }
  const paths = sources.map(({ path }) => path).join(', ')
  throw new UserError(`${paths}: no example to learn from; there are ${rows} rows, and all were left out`)
}

/**
 * Prepares data sets for training: writes `train.arrow`, `validation.arrow` and `test.arrow`, those that have rows.
 *
 * @throws UserError where an option, a source or a row is wrong, or no example is left; nothing is written then.
 */
export async function prepare(options: PrepareOptions): Promise<PrepareReport> {
  const { sources, template, maxLength, overlong = 'error', tokenizerFolder, out } = options
  if (!(Number.isInteger(maxLength) && maxLength >= 2)) {
    throw new UserError(`the maximum length is ${maxLength}; it must be a whole number of at least 2 tokens`)
  }
  for (const { split } of sources) if ('seed' in split) checkFractions(split)
  await checkFolder(out)
  const files = [...sources.map(({ path }) => path), ...(await tokenizerFiles(tokenizerFolder))]
  const rules = sources.map(({ read, split }) => [read ?? null, split])
  const digest = await fingerprint(files, [rules, template, maxLength, overlong])

  let splits: SplitCounts = {}
  await writeFolderAtomic(out, async (folder) => {
    splits = await writeSplits(folder, options, digest)
  })
  return { fingerprint: digest, splits }
}
