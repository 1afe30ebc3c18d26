/** @module */
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { Feeds, HostTensor } from '../runtime/session.ts'
import type { CacheShape, KeyValueCache } from './key_value_cache.ts'
import { FIRST_SLOTS, slotsFor } from './key_value_cache.ts'

/** An empty cache in the memory of the host. */
export function createHostCache({ names, batch, heads, headSize, context }: CacheShape): KeyValueCache {
  const rows = batch * heads
  const zeros = (slots: number): HostTensor => {
    const dims = [batch, heads, slots, headSize]
    return { dtype: 'float32', dims, data: new Float32Array(sizeOf(dims)) }
  }
  const all = (slots: number): Feeds => Object.fromEntries(names.map((name) => [name, zeros(slots)]))
  let cache = all(FIRST_SLOTS)
  let capacity = FIRST_SLOTS
  let used = 0

  /** Copies slots of one buffer into another, from slot `at` on. */
  function copy(from: HostTensor, count: number, to: HostTensor, at: number): void {
    const [source, target] = [from.data as Float32Array, to.data as Float32Array]
    const [step, width] = [from.dims[2]! * headSize, to.dims[2]! * headSize]
    for (let row = 0; row < rows; row++)
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
    release() {},
  }
}
