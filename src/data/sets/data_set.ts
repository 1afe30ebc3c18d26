/** @module */
import type { EncodedExample } from '../examples/encode.ts'
import type { Layout } from './layouts.ts'

/** Encoded examples, however they are kept: `arrow_reader.ts` reads them from a file. */
export interface DataSet {
  /** Of the sources and options that the rows were made from, with the split's name. */
  readonly fingerprint: string
  /** Token ids are below it. */
  readonly vocabularySize: number
  /** Most tokens of a row. */
  readonly maxLength: number
  /** Names of the classes, where each row has one; else none. */
  readonly classes: readonly string[]
  /** Which rows belong together, and what is kept with each. */
  readonly layout: Layout
  /** Rows; of pairs, two each. */
  readonly size: number
  /** Tokens of each row. */
  readonly lengths: Int32Array
  /** Reads one row. Throws UserError where it holds impossible tokens or cannot be read. */
  row(index: number): EncodedExample
  close(): void
}
