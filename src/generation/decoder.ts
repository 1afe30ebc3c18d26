/**
 * Runs the decoding graph over a batch of sequences, with its key/value cache where the session computes.
 *
 * Sequences are padded on the left, so that all of them write the same cache slot. The graph gives only the keys
 * and values of new positions, which are appended to what is fed back.
 * @module
 */
import { keyValueCacheGraph } from '../../graphs/inference/key_value_cache.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { ModelFacts } from '../../graphs/models/family.ts'
import type { HostTensor, Session, Tensors } from '../runtime/session.ts'
import { createDeviceCache } from './device_cache.ts'
import { createHostCache } from './host_cache.ts'
import type { KeyValueCache } from './key_value_cache.ts'

export interface Decoder {
  /** Starts a batch of sequences and returns the logits after their last tokens. */
  prefill(prompts: readonly (readonly number[])[]): Promise<Float32Array[]>
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
  let graph: Promise<Session> | undefined
  let cache: KeyValueCache | undefined
  /** Per sequence, the left padding. */
  let padding: number[] = []

  async function emptyCache(batch: number): Promise<KeyValueCache> {
    const shape = { names, batch, heads: kvHeads, headSize, context }
    if (!session.beside) return createHostCache(shape)
    graph ??= session.beside(serialize(keyValueCacheGraph(names)))
    return createDeviceCache(await graph, shape)
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
      cache = await emptyCache(prompts.length)
      const longest = Math.max(...prompts.map((prompt) => prompt.length))
      padding = prompts.map((prompt) => longest - prompt.length)
      return run(
        cache,
        prompts.map((prompt, row) => [...new Array<number>(padding[row]!).fill(0), ...prompt]),
      )
    },
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
