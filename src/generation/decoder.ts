/**
 * Runs the decoding graph over a batch of sequences, with its key/value cache where the session computes.
 *
 * Sequences are padded on the left, so that all of them write the same cache slot. The graph gives only the keys
 * and values of new positions, which are appended to what is fed back.
 * @module
 */
import { cacheRowsGraph, keyValueCacheGraph } from '../../graphs/inference/key_value_cache.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { ModelFacts } from '../../graphs/models/family.ts'
import type { HostTensor, Session, Tensors } from '../runtime/session.ts'
import { createDeviceCache } from './device_cache.ts'
import { createHostCache } from './host_cache.ts'
import type { KeyValueCache } from './key_value_cache.ts'

export interface Decoder {
  /** Starts a batch of sequences and returns the logits after their last tokens; what comes several times is read once. */
  prefill(prompts: readonly (readonly number[])[]): Promise<Float32Array[]>
  /** Goes on with these sequences of the batch alone, in this order. */
  keep(rows: readonly number[]): Promise<void>
  /** Appends one token to each sequence and returns the logits after it, one [vocabulary] row per sequence. */
  step(tokens: readonly number[]): Promise<Float32Array[]>
  /** Frees the memory of the batch, which takes no further step. */
  forget(): void
}

/**
 * A decoder over an open session of the decoding graph.
 *
 * @param constants adapters and `lora_scale`, or all parameters, where the graph takes them as inputs
 */
export function createDecoder(
  session: Session,
  { layers, kvHeads, headSize, vocabulary, context }: ModelFacts,
  constants: Tensors = {},
): Decoder {
  const names = Array.from({ length: layers }, (_, layer) => [`${layer}.key`, `${layer}.value`]).flat()
  const graphs = new Map<string, Promise<Session>>()
  let cache: KeyValueCache | undefined
  /** Per sequence, the left padding. */
  let padding: number[] = []

  async function emptyCache(batch: number): Promise<KeyValueCache> {
    const shape = { names, batch, heads: kvHeads, headSize, context }
    const { beside } = session
    if (!beside) return createHostCache(shape)
    const opened = (name: string, build: (names: readonly string[]) => Graph): Promise<Session> => {
      const graph = graphs.get(name) ?? beside(serialize(build(names)))
      graphs.set(name, graph)
      return graph
    }
    const append = await opened('append', keyValueCacheGraph)
    return createDeviceCache({ append, select: () => opened('select', cacheRowsGraph) }, shape)
  }

  async function keep(rows: readonly number[]): Promise<void> {
    if (!cache) throw new Error('there is no batch to keep sequences of; prefill starts one')
    await cache.select(rows)
    padding = rows.map((row) => padding[row]!)
  }

  async function run(
    { capacity, used, ...kept }: KeyValueCache,
    inputIds: readonly (readonly number[])[],
  ): Promise<Float32Array[]> {
    const [batch, sequence] = [inputIds.length, inputIds[0]!.length]
    const slots = capacity + sequence
    const feeds: Tensors = {
      ...constants,
      input_ids: int64([batch, sequence], (i) => inputIds[Math.floor(i / sequence)]![i % sequence]!),
      position_ids: int64([batch, sequence], (i) =>
        Math.max(0, used + (i % sequence) - padding[Math.floor(i / sequence)]!),
      ),
      attention_mask: int64([batch, slots], (i) => {
        const slot = i % slots
        const position = slot < capacity ? (slot < used ? slot : -1) : used + slot - capacity
        return position >= padding[Math.floor(i / slots)]! ? 1 : 0
      }),
      logits_positions: int64([batch], (row) => row * sequence + sequence - 1),
      ...kept.past(),
    }
    const outputs = await session.run(feeds, { into: kept.present(sequence) })
    await kept.append(outputs, sequence)
    const logits = outputs['logits']!.data as Float32Array
    return Array.from({ length: batch }, (_, row) =>
      logits.subarray(row * vocabulary, (row + 1) * vocabulary),
    )
  }

  return {
    async prefill(prompts) {
      cache?.release()
      const different = new Map(prompts.map((prompt) => [prompt.join(), prompt]))
      const names = [...different.keys()]
      const read = [...different.values()]
      cache = await emptyCache(read.length)
      const longest = Math.max(...read.map((prompt) => prompt.length))
      padding = read.map((prompt) => longest - prompt.length)
      const logits = await run(
        cache,
        read.map((prompt, row) => [...new Array<number>(padding[row]!).fill(0), ...prompt]),
      )
      if (read.length === prompts.length) return logits
      const rows = prompts.map((prompt) => names.indexOf(prompt.join()))
      await keep(rows)
      return rows.map((row) => logits[row]!.slice())
    },
    keep,
    step(tokens) {
      if (!cache) throw new Error('a step needs a batch, which prefill starts')
      return run(
        cache,
        tokens.map((token) => [token]),
      )
    },
    forget() {
      cache?.release()
      cache = undefined
    },
  }
}

function int64(dims: readonly number[], at: (index: number) => number): HostTensor {
  const length = sizeOf(dims)
  return { dtype: 'int64', dims, data: BigInt64Array.from({ length }, (_, i) => BigInt(at(i))) }
}
