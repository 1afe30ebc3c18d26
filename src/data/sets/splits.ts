/**
 * Train / validation / test splits, and what a row is drawn by.
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js'

import { UserError } from '../../errors.ts'
import { listColumns } from '../row.ts'
import type { Row } from '../row.ts'

export const SPLITS = ['train', 'validation', 'test'] as const
export type Split = (typeof SPLITS)[number]

/** Fractions of the rows; what validation and test leave is train. */
export interface SplitFractions {
  readonly validation: number
  readonly test: number
}

/** A number in [0, 1) that depends on seed and text alone: the first 48 bits of a SHA-256. */
export function hashFraction(seed: number, text: string): number {
  const digest = sha256(new TextEncoder().encode(`${seed}\n${text}`))
  return digest.subarray(0, 6).reduce((bits, byte) => 256 * bits + byte, 0) / 2 ** 48
}

/** @throws UserError when a fraction is negative or nothing is left for training. */
export function checkFractions({ validation, test }: SplitFractions): void {
  if (!(validation >= 0 && test >= 0 && validation + test < 1)) {
    throw new UserError(
      `split fractions validation ${validation} and test ${test} must be at least 0 and together below 1`,
    )
  }
}

/** What equal rows have in common: their columns in name order. */
export function rowKey(row: Row): string {
  const columns = Object.keys(row).sort()
  return JSON.stringify(columns.map((name) => [name, row[name]]))
}

/**
 * What the rows of a group have in common: the value of a column. A row that has none is a group of its own.
 *
 * @throws UserError naming `where` when there is no such column
 */
export function groupKey(row: Row, column: string, where: string): string {
  if (!Object.hasOwn(row, column)) throw noColumn(row, column, where)
  const value = row[column]!
  if (value === null || value === '') return rowKey(row)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

const noColumn = (row: Row, column: string, where: string): UserError =>
  new UserError(`${where}: there is no column "${column}"; there are ${listColumns(row)}`)

const SPLIT_NAMES: ReadonlyMap<string, Split> = new Map([
  ['train', 'train'],
  ['training', 'train'],
  ['validation', 'validation'],
  ['valid', 'validation'],
  ['val', 'validation'],
  ['dev', 'validation'],
  ['test', 'test'],
])

/**
 * The split named in a column of the row: train, validation (valid, val, dev) or test.
 *
 * @throws UserError naming `where` when the value is none of these.
 */
export function splitOfColumn(row: Row, column: string, where: string): Split {
  if (!Object.hasOwn(row, column)) throw noColumn(row, column, where)
  const value = row[column]
  const split = typeof value === 'string' ? SPLIT_NAMES.get(value.trim().toLowerCase()) : undefined
  if (split === undefined) {
    throw new UserError(
      `${where}: split column "${column}" holds ${JSON.stringify(value)}; it must be train, validation or test`,
    )
  }
  return split
}
