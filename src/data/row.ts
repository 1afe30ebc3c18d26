/**
 * What every source yields: one record of named values.
 * @module
 */
import { listNames } from '../quote.ts'

/** A value of a row. CSV and TSV give strings only; JSONL and Parquet keep their own types, nested ones included. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value }

export type Row = Readonly<Record<string, Value>>

/** Stands in a row for bytes that are no text, such as an image's. */
export class Binary {
  readonly [name: string]: number
  readonly bytes: number

  constructor(bytes: number) {
    this.bytes = bytes
  }
}

/** Columns of a row as a sentence lists them. */
export const listColumns = (row: Row): string => listNames(Object.keys(row)) || '(none)'
