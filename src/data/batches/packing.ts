/**
 * Which rows share a sequence. Attention is kept inside each example, so a row's neighbours change nothing but the speed.
 * @module
 */

/** Sequences of one or more rows each. */
export interface Sequences {
  readonly size: number
  /** Tokens of each sequence. */
  readonly lengths: Int32Array
  /** Row numbers of a sequence. */
  rows(index: number): readonly number[]
}

/** Every row is a sequence of its own. */
export const singleRows = (lengths: Int32Array): Sequences => ({
  size: lengths.length,
  lengths,
  rows: (index) => [index],
})

/**
 * Pairs of rows that follow one another: the answer that is preferred and the other one.
 *
 * @param lengths tokens of each row, an even number of rows; a pair's length is that of both
 */
export const pairRows = (lengths: Int32Array): Sequences => ({
  size: lengths.length / 2,
  lengths: Int32Array.from(
    { length: lengths.length / 2 },
    (_, pair) => lengths[2 * pair]! + lengths[2 * pair + 1]!,
  ),
  rows: (index) => [2 * index, 2 * index + 1],
})

/**
 * Packs rows into sequences of at most `capacity` tokens: best fit decreasing. The longest row first, each row goes where
 * it leaves the least room, or else begins a sequence (Johnson: Near-optimal bin packing algorithms, 1973).
 *
 * @param lengths tokens of each row, at most `capacity`
 */
export function packedRows(lengths: Int32Array, capacity: number): Sequences {
  const order = Uint32Array.from(lengths, (_, row) => row).sort((a, b) => lengths[b]! - lengths[a]! || a - b)
  const sequences: number[][] = []
  /** Per number of free tokens, the sequences that have so many. */
  const free = Array.from({ length: capacity + 1 }, (): number[] => [])
  for (const row of order) {
    const length = lengths[row]!
    let room = length
    while (room <= capacity && free[room]!.length === 0) room++
    const index = room <= capacity ? free[room]!.pop()! : sequences.push([]) - 1
    sequences[index]!.push(row)
    free[Math.min(room, capacity) - length]!.push(index)
  }
  const totals = sequences.map((rows) => rows.reduce((sum, row) => sum + lengths[row]!, 0))
  return { size: sequences.length, lengths: Int32Array.from(totals), rows: (index) => sequences[index]! }
}
