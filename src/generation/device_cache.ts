/** @module */
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { DeviceTensor, HostTensor, Session } from '../runtime/session.ts'
import { deviceMemory } from '../runtime/session.ts'
import type { CacheShape, KeyValueCache } from './key_value_cache.ts'
import { FIRST_SLOTS, slotsFor } from './key_value_cache.ts'

type DeviceTensors = Readonly<Record<string, DeviceTensor>>

/**
 * An empty cache in the memory of a device.
 *
 * @param graphs of `graphs/inference/key_value_cache.ts`: what appends, and what chooses sequences
 */
export function createDeviceCache(
  graphs: { readonly append: Session; readonly select: () => Promise<Session> },
  { names, batch, heads, headSize, context }: CacheShape,
): KeyValueCache {
  let sequences = batch
  const all = (place: (dims: readonly number[]) => DeviceTensor['place'], slots: number): DeviceTensors => {
    const dims = [sequences, heads, slots, headSize]
    return Object.fromEntries(names.map((name) => [name, { dtype: 'float32', dims, place: place(dims) }]))
  }
  const nowhere = () => null
  const named = (prefix: string, of: DeviceTensors, suffix = ''): DeviceTensors =>
    Object.fromEntries(names.map((name) => [`${prefix}${name}${suffix}`, of[name]!]))
  let cache = all((dims) => new Float32Array(sizeOf(dims)), FIRST_SLOTS)
  let fresh: DeviceTensors = {}
  let capacity = FIRST_SLOTS
  let used = 0

  return {
    get capacity() {
      return capacity
    },
    get used() {
      return used
    },
    past: () => named('past_key_values.', cache),
    present: (sequence) => named('present.', (fresh = all(nowhere, sequence))),
    async append(_, sequence) {
      const total = used + sequence
      const larger = total > capacity ? slotsFor(total, context) : capacity
      // Those in use, the new ones, and whatever stands first where there is nothing yet.
      const slotAt = (slot: number) => (slot < used ? slot : slot < total ? capacity + slot - used : 0)
      const next = all(nowhere, larger)
      await graphs.append.run(
        {
          ...cache,
          ...named('', fresh, '_fresh'),
          slots: int64(Array.from({ length: larger }, (_, slot) => slotAt(slot))),
        },
        { into: named('', next, '_new') },
      )
      for (const tensor of [...Object.values(cache), ...Object.values(fresh)]) deviceMemory(tensor)?.release()
      cache = next
      capacity = larger
      used = total
    },
    async select(rows) {
      sequences = rows.length
      const next = all(nowhere, capacity)
      const graph = await graphs.select()
      await graph.run({ ...cache, rows: int64(rows) }, { into: named('', next, '_new') })
      for (const tensor of Object.values(cache)) deviceMemory(tensor)?.release()
      cache = next
    },
    release() {
      for (const tensor of Object.values(cache)) deviceMemory(tensor)?.release()
    },
  }
}

const int64 = (values: readonly number[]): HostTensor => ({
  ...{ dtype: 'int64', dims: [values.length] },
  data: BigInt64Array.from(values, BigInt),
})
