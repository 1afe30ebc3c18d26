/**
 * How the rows of a data set lie: which belong to one example, and what is kept with each beside its tokens and labels.
 * @module
 */
import type { Sequences } from '../batches/packing.ts'
import { pairRows, singleRows } from '../batches/packing.ts'
import type { EncodedExample } from '../examples/encode.ts'
import { checkPair, checkUnpaired } from '../examples/pair_check.ts'

export interface Layout {
  /** What the rows are, in errors. */
  readonly noun: string
  readonly rowsPerExample: 1 | 2
  /** The examples of rows of these lengths; those of one example lie one after the other. */
  readonly examples: (lengths: Int32Array) => Sequences
  /** The key of a file's metadata that tells it; none where nothing is kept beside. */
  readonly mark?: string
  /** A number that is kept with each row. */
  readonly figure?: RowFigure
  /** What is wrong with the rows of an example that were read; undefined where nothing is. */
  readonly check?: (rows: readonly EncodedExample[]) => string | undefined
}

export interface RowFigure {
  /** Of its column. */
  readonly name: 'margin' | 'desirable'
  readonly of: (row: EncodedExample) => number
  readonly put: (row: EncodedExample, value: number) => EncodedExample
}

/** Each row is an example. */
const single: Layout = { noun: 'rows', rowsPerExample: 1, examples: singleRows }

/** Rows 2i and 2i + 1 are a preferred answer and another one to the same prompt, with a margin between them. */
const pairs: Layout = {
  noun: 'pairs',
  rowsPerExample: 2,
  examples: pairRows,
  mark: 'ortune.pairs',
  figure: {
    name: 'margin',
    of: ({ margin = 0 }) => margin,
    put: (row, margin) => ({ ...row, margin }),
  },
  check: ([chosen, rejected]) => checkPair(chosen!, rejected!),
}

/** Each row is an answer that is judged by itself; 1 is kept of a desirable one, 0 of an undesirable one. */
const unpaired: Layout = {
  noun: 'unpaired rows',
  rowsPerExample: 1,
  examples: singleRows,
  mark: 'ortune.unpaired',
  figure: {
    name: 'desirable',
    of: ({ desirable }) => Number(desirable),
    put: (row, value) => (value === 0 || value === 1 ? { ...row, desirable: value === 1 } : row),
  },
  check: ([row]) => checkUnpaired(row!),
}

export const layouts = { single, pairs, unpaired } as const
