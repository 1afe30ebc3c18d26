/**
 * The order in which training and evaluation see a data set.
 *
 * Training: sequences (rows, or packs of rows) in random order, cut into windows of 64 batches; within a window sorted by
 * length and cut into batches, so that a batch pads little; then all batches in random order. It depends on (seed, epoch) alone, so a
 * stopped run goes on from the number of its next batch, and nothing else has to be stored.
 * @module
 */
import { createRandom } from '../../random.ts'
import type { DataSet } from '../sets/data_set.ts'
import type { EncodedExample } from '../examples/encode.ts'
import type { Sequences } from './packing.ts'
import { singleRows } from './packing.ts'

const WINDOW_BATCHES = 64

export interface Batch {
  /** Position within the epoch. */
  readonly index: number
  /** Row numbers in the data set, sequence by sequence. */
  readonly rows: readonly (readonly number[])[]
  /** The examples of each sequence: one, or several where they are packed. */
  readonly sequences: readonly (readonly EncodedExample[])[]
}

export interface TrainingOrder {
  readonly batchSize: number
  readonly seed: number
  readonly epoch: number
  /** Index of the first batch wanted, 0 by default. */
  readonly start?: number
}

/** Is told before each batch how many sequences have been read, and at the end that all have; what it throws ends the reading. */
export type Watch = (done: number, of: number) => void

/** How a data set is read in its order. */
export interface Reading {
  readonly batchSize: number
  readonly watch?: Watch | undefined
}

/** Batches of one epoch; the last sequences may make a smaller batch. */
export function batchCount(size: number, batchSize: number): number {
  return Math.ceil(size / batchSize)
}

/** The sequences of each batch of an epoch: every sequence in exactly one batch. */
export function trainingOrder(
  lengths: Int32Array,
  { batchSize, seed, epoch }: Omit<TrainingOrder, 'start'>,
): Uint32Array[] {
  const random = createRandom(seed, 'data order', epoch)
  const rows = Uint32Array.from(lengths, (_, row) => row)
  random.shuffle(rows)
  const batches: Uint32Array[] = []
  for (let start = 0; start < rows.length; start += WINDOW_BATCHES * batchSize) {
    const window = rows.subarray(start, start + WINDOW_BATCHES * batchSize)
    window.sort((a, b) => lengths[a]! - lengths[b]! || a - b)
    for (let at = 0; at < window.length; at += batchSize) batches.push(window.subarray(at, at + batchSize))
  }
  random.shuffle(batches)
  return batches
}

function readBatch(dataset: DataSet, index: number, rows: Batch['rows']): Batch {
  return { index, rows, sequences: rows.map((sequence) => sequence.map((row) => dataset.row(row))) }
}

/**
 * The training batches of an epoch from `start` on. Reads a batch's rows when it is asked for.
 *
 * @param sequences by default each row alone
 */
export function* trainingBatches(
  dataset: DataSet,
  order: TrainingOrder,
  sequences: Sequences = singleRows(dataset.lengths),
): Generator<Batch> {
  const batches = trainingOrder(sequences.lengths, order)
  for (let index = order.start ?? 0; index < batches.length; index++) {
    yield readBatch(
      dataset,
      index,
      Array.from(batches[index]!, (sequence) => sequences.rows(sequence)),
    )
  }
}

/**
 * All sequences in the data set's order.
 *
 * @param sequences by default each row alone
 */
export function* sequentialBatches(
  dataset: DataSet,
  { batchSize, watch }: Reading,
  sequences: Sequences = singleRows(dataset.lengths),
): Generator<Batch> {
  for (let index = 0; index < batchCount(sequences.size, batchSize); index++) {
    const first = index * batchSize
    watch?.(first, sequences.size)
    const length = Math.min(batchSize, sequences.size - first)
    yield readBatch(
      dataset,
      index,
      Array.from({ length }, (_, i) => sequences.rows(first + i)),
    )
  }
  watch?.(sequences.size, sequences.size)
}
