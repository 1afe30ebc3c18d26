/** @module */
import { InvalidArgumentError } from 'commander'

import { mostThreads } from '../runtime/threads.ts'

interface Bounds {
  readonly from: number
  /** Included. */
  readonly to?: number
  /** What the upper one is. */
  readonly which?: string
  /** What to do in place of a smaller one. */
  readonly below?: string
}

/** Reads an option's value as a whole number within bounds. */
export const wholeNumber = (bounds: Bounds) => numberReader('a whole number', Number.isSafeInteger, bounds)

/** Reads `--threads`. */
export const threadCount = () =>
  wholeNumber({ from: 1, to: mostThreads(), which: 'twice the cores of this machine' })

/** Reads an option's value as a number within bounds. */
export const realNumber = (bounds: Bounds) => numberReader('a number', Number.isFinite, bounds)

function numberReader(
  kind: string,
  valid: (value: number) => boolean,
  { from, to = Infinity, which, below }: Bounds,
) {
  return (text: string): number => {
    const value = text.trim() === '' ? NaN : Number(text)
    if (valid(value) && value >= from && value <= to) return value
    const range =
      to === Infinity ? `of at least ${from}` : `from ${from} to ${to}${which ? `, ${which}` : ''}`
    const instead = below !== undefined && value < from ? `; ${below}` : ''
    throw new InvalidArgumentError(`It must be ${kind} ${range}${instead}.`)
  }
}
