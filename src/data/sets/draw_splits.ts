/**
 * Splits drawn by a hash: of the rows in the order of their hashes, the first go to validation, the next to test, and the
 * rest trains. A row that is added moves only those at the two borders. Rows of the same hash are of the same split, so
 * that none leaks from training into validation.
 *
 * Each stratum, such as a class, is drawn by itself and has its share of the examples (Neyman 1934).
 * @module
 */
import type { Split, SplitFractions } from './splits.ts'

/** The rows to draw, by number. */
export interface DrawnRows {
  readonly hashes: readonly number[]
  /** Of each row. */
  readonly strata: readonly string[]
}

/** The split of each row: exact numbers, at least one row where a fraction is above 0 and one is left to train on. */
export function drawSplits({ hashes, strata }: DrawnRows, fractions: SplitFractions): Split[] {
  const members = new Map<string, number[]>()
  strata.forEach((stratum, row) => {
    const rows = members.get(stratum)
    if (rows) rows.push(row)
    else members.set(stratum, [row])
  })
  const groups = [...members.values()]
  const sizes = groups.map(({ length }) => length)
  const validation = apportion(share(hashes.length, fractions.validation), sizes)
  const test = apportion(
    share(hashes.length, fractions.test),
    sizes.map((size, i) => size - validation[i]!),
  )
  const splits = new Array<Split>(hashes.length).fill('train')
  groups.forEach((rows, i) => {
    rows.sort((a, b) => hashes[a]! - hashes[b]!)
    const ordered = rows.map((row) => hashes[row]!)
    const first = cutNear(ordered, 0, validation[i]!)
    const second = cutNear(ordered, first, first + test[i]!)
    rows.slice(0, second).forEach((row, rank) => (splits[row] = rank < first ? 'validation' : 'test'))
  })
  return splits
}

/** How many of so many rows a fraction is, rounded. */
const share = (rows: number, fraction: number): number =>
  fraction > 0 ? Math.max(1, Math.round(rows * fraction)) : 0

/**
 * Parts of a number that are proportional to the sizes, by largest remainders (Hamilton's method), but one at least where
 * there is enough for all, and one less than its size at most.
 */
function apportion(number: number, sizes: readonly number[]): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const least = number >= sizes.filter((size) => size > 1).length ? 1 : 0
  const quotas = sizes.map((size) => (number * size) / Math.max(1, total))
  const parts = sizes.map((size, i) =>
    Math.min(Math.max(Math.floor(quotas[i]!), least), Math.max(0, size - 1)),
  )
  const change = (by: 1 | -1, may: (i: number) => boolean) => {
    const open = [...parts.keys()].filter(may)
    if (open.length === 0) return false
    const gap = (i: number) => by * (quotas[i]! - parts[i]!)
    parts[open.reduce((best, i) => (gap(i) > gap(best) ? i : best))]! += by
    return true
  }
  let left = number - parts.reduce((sum, part) => sum + part, 0)
  while (left > 0 && change(1, (i) => parts[i]! < sizes[i]! - 1)) left--
  while (left < 0 && change(-1, (i) => parts[i]! > least)) left++
  return parts
}

/** The place nearest to `wanted`, after `from`, where sorted values differ from the ones before; never their end. */
function cutNear(sorted: readonly number[], from: number, wanted: number): number {
  const aim = Math.min(wanted, sorted.length - 1)
  if (aim <= from) return from
  let [below, above] = [aim, aim]
  while (below > from && sorted[below] === sorted[below - 1]) below--
  while (above < sorted.length && sorted[above] === sorted[above - 1]) above++
  if (above === sorted.length) return below
  return below === from || above - aim < aim - below ? above : below
}
