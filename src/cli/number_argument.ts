/** @module */
import { InvalidArgumentError } from 'commander'

interface Bounds {
  readonly from: number
  /** Included. */
  readonly to?: number
}

/** Reads an option's value as a whole number within bounds. */
export const wholeNumber = (bounds: Bounds) => numberReader('a whole number', Number.isSafeInteger, bounds)

/** Reads an option's value as a number within bounds. */
export const realNumber = (bounds: Bounds) => numberReader('a number', Number.isFinite, bounds)

function numberReader(kind: string, valid: (value: number) => boolean, { from, to = Infinity }: Bounds) {
  return (text: string): number => {
    const value = text.trim() === '' ? NaN : Number(text)
    if (valid(value) && value >= from && value <= to) return value
    const range = to === Infinity ? `of at least ${from}` : `from ${from} to ${to}`
    throw new InvalidArgumentError(`It must be ${kind} ${range}.`)
  }
}
