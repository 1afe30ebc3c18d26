/** @module */
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { HostTensor } from '../runtime/session.ts'
import type { CacheShape, KeyValueCache } from './key_value_cache.ts'
import { FIRST_SLOTS, slotsFor } from './key_value_cache.ts'

/** An empty cache in the memory of the host. */
export function createHostCache({ names, batch, heads, headSize, context }: CacheShape): KeyValueCache {
  let sequences = batch
  const zeros = (slots: number): HostTensor => {
    const dims = [sequences, heads, slots, headSize]
    return { dtype: 'float32', dims, data: new Float32Array(sizeOf(dims)) }
  }
  const all = (slots: number): Record<string, HostTensor> =>
    Object.fromEntries(names.map((name) => [name, zeros(slots)]))
  let cache = all(FIRST_SLOTS)
  let capacity = FIRST_SLOTS
  let used = 0

  /** Copies slots of one buffer into another, from slot `at` on. */
  function copy(from: HostTensor, count: number, to: HostTensor, at: number): void {
    const [source, target] = [from.data as Float32Array, to.data as Float32Array]
    const [step, width] = [from.dims[2]! * headSize, to.dims[2]! * headSize]
    for (let row = 0; row < sequences * heads; row++)
      target.set(source.subarray(row * step, row * step + count * headSize), row * width + at * headSize)
  }

  function grow(needed: number): void {
    const before = cache
    capacity = slotsFor(needed, context)
    cache = all(capacity)
    for (const name of names) copy(before[name]!, used, cache[name]!, 0)
  }

  return {
    get capacity() {
      return capacity
    },
    get used() {
      return used
    },
    past: () => Object.fromEntries(names.map((name) => [`past_key_values.${name}`, cache[name]!])),
    present: () => ({}),
    async append(outputs, sequence) {
      if (used + sequence > capacity) grow(used + sequence)
      for (const name of names) copy(outputs[`present.${name}`]!, sequence, cache[name]!, used)
      used += sequence
    },
    async select(rows) {
      const size = heads * capacity * headSize
      // Those that only move up stay in the memory they are in.
      const within = rows.every((row, i) => i === 0 || row > rows[i - 1]!)
      for (const name of names) {
        const from = cache[name]!.data as Float32Array
        const to = within ? from.subarray(0, rows.length * size) : new Float32Array(rows.length * size)
        for (const [i, row] of rows.entries())
          if (to.buffer !== from.buffer || row !== i)
            to.set(from.subarray(row * size, (row + 1) * size), i * size)
        const dims = [rows.length, heads, capacity, headSize]
        cache[name] = { dtype: 'float32', dims, data: to }
      }
      sequences = rows.length
    },
    release() {},
  }
}
