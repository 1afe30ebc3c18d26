/**
 * The key/value cache of a batch of sequences: fixed buffers with more slots than are in use, which grow where they must.
 * @module
 */
import type { Feeds, Tensors } from '../runtime/session.ts'

export interface KeyValueCache {
  /** Slots there are. */
  readonly capacity: number
  /** How many of them are in use, the first ones. */
  readonly used: number
  /** The decoding graph's `past_key_values.N.key|value` [batch, heads, capacity, head_size]. */
  past(): Tensors
  /** Where its `present.N.key|value` [batch, heads, sequence, head_size] are to be written, where not into new tensors of the host. */
  present(sequence: number): Tensors
  /** Puts these outputs, or what was written there in their place, into the slots after those in use. */
  append(outputs: Feeds, sequence: number): Promise<void>
  /** Goes on with these of its sequences, in this order; one may be chosen several times. */
  select(rows: readonly number[]): Promise<void>
  release(): void
}

export interface CacheShape {
  /** `N.key` and `N.value` of each layer. */
  readonly names: readonly string[]
  readonly batch: number
  readonly heads: number
  readonly headSize: number
  /** Most tokens that the model reads. */
  readonly context: number
}

/** Slots are added this many at a time. */
const SLOTS = 64
/** What a cache begins with: ONNX Runtime 1.30 ends the process where WebGPU is fed an empty one. */
export const FIRST_SLOTS = 1

/** The slots of a cache that is to hold so many positions. */
export const slotsFor = (needed: number, context: number): number =>
  Math.min(Math.ceil(needed / SLOTS) * SLOTS, Math.max(needed, context))
