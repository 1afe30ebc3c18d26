/**
 * Prompts with completions of other prompts, of which KTO's z₀ is a mean.
 * @module
 */
import type { Batch } from '../../data/batches/batches.ts'
import type { EncodedExample } from '../../data/examples/encode.ts'
import { NO_LOSS, promptLength } from '../../data/examples/encode.ts'

/** Rows, in memory or in a file. */
export interface Rows {
  readonly size: number
  row(index: number): EncodedExample
}

/**
 * Every prompt with the completion of the row before it, the first with that of the last, batch by batch. Where that row has
 * the same prompt, as the other answer of a pair, it is the one before with another. Nothing where all prompts are the same.
 *
 * @param longest most tokens of a row; a longer one is cut at its end
 */
export function* mismatchedBatches(
  rows: Rows,
  { batchSize, longest }: { readonly batchSize: number; readonly longest: number },
): Generator<Batch['sequences']> {
  const others = rowsBefore(Array.from({ length: rows.size }, (_, i) => promptOf(rows.row(i)).join()))
  for (let first = 0; first < others.length; first += batchSize) {
    const batch = others.slice(first, first + batchSize)
    yield batch.map((other, i) => [mismatched(rows.row(first + i), rows.row(other), longest)])
  }
}

/** For each row the number of the one before it that has another prompt, around the circle; empty where there is none. */
export function rowsBefore(prompts: readonly string[]): readonly number[] {
  const size = prompts.length
  const found: number[] = []
  let other: number | undefined
  // Twice around: the first rows find theirs at the end.
  for (let at = 1; at < 2 * size; at++) {
    const [before, row] = [(at - 1) % size, at % size]
    if (prompts[before] !== prompts[row]) other = before
    if (other !== undefined) found[row] = other
  }
  return found
}

const promptOf = (row: EncodedExample): Int32Array => row.input_ids.subarray(0, promptLength(row))

/** The prompt of one row with the completion of another one. */
function mismatched(row: EncodedExample, other: EncodedExample, longest: number): EncodedExample {
  const prompt = promptOf(row)
  const completion = other.input_ids.subarray(promptLength(other))
  const input_ids = Int32Array.of(...prompt, ...completion).subarray(0, longest)
  return { input_ids, labels: input_ids.map((id, t) => (t < prompt.length ? NO_LOSS : id)) }
}
