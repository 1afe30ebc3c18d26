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
  // A round: the parts that are furthest from their quotas change by one, those that none is further from after its change.
  const change = (by: 1 | -1, most: number, may: (i: number) => boolean): number => {
    const open = [...parts.keys()]
      .filter(may)
      .map((i) => ({ i, gap: by * (quotas[i]! - parts[i]!) }))
      .sort((a, b) => b.gap - a.gap)
    const changed = open.filter(({ gap }) => gap > open[0]!.gap - 1).slice(0, most)
    for (const { i } of changed) parts[i]! += by
    return changed.length
  }
  const left = number - parts.reduce((sum, part) => sum + part, 0)
  const by = left > 0 ? 1 : -1
  const may = (i: number) => (by > 0 ? parts[i]! < sizes[i]! - 1 : parts[i]! > least)
  for (let rest = Math.abs(left); rest > 0;) {
    const changed = change(by, rest, may)
    if (changed === 0) break
    rest -= changed
  }
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
