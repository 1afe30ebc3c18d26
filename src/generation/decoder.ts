/**
 * Runs the decoding graph over a batch of sequences, keeping the key/value cache in fixed buffers.
 *
 * Sequences are padded on the left, so that all of them write the same cache slot. The graph returns only the keys
 * and values of new positions; they are written into the buffers that are fed back.
 * @module
 */
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { ModelFacts } from '../../graphs/models/family.ts'
import type { HostTensor, Session, Tensor, Tensors } from '../runtime/session.ts'

export interface Decoder {
  /** Starts a batch of sequences and returns the logits after their last tokens. */
  prefill(prompts: readonly (readonly number[])[]): Promise<Float32Array[]>
  /** Appends one token to each sequence and returns the logits after it, one [vocabulary] row per sequence. */
  step(tokens: readonly number[]): Promise<Float32Array[]>
}

/** Cache slots are added this many at a time. */
const SLOTS = 64
/** What a cache begins with: ONNX Runtime 1.30 ends the process where WebGPU is fed an empty one. */
const FIRST_SLOTS = 1

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
  let batch = 0
  let capacity = 0
  let used = 0
  let cache = new Map<string, Float32Array>()
  /** Per sequence, the left padding. */
  let padding: number[] = []

  async function run(inputIds: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const sequence = inputIds[0]!.length
    const slots = capacity + sequence
    const feeds: Record<string, Tensor> = {
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
    }
    for (const name of names) {
      const dims = [batch, kvHeads, capacity, headSize]
      feeds[`past_key_values.${name}`] = { dtype: 'float32', dims, data: cache.get(name)! }
    }
    const outputs = await session.run(feeds)
    store(outputs, sequence)
    const logits = outputs['logits']!.data as Float32Array
    return Array.from({ length: batch }, (_, row) =>
      logits.subarray(row * vocabulary, (row + 1) * vocabulary),
    )
  }

  /** Writes the new keys and values into the slots after those in use. */
  function store(outputs: Record<string, HostTensor>, sequence: number): void {
    if (used + sequence > capacity) grow(used + sequence)
    for (const name of names) {
      const fresh = outputs[`present.${name}`]!.data as Float32Array
      const target = cache.get(name)!
      for (let row = 0; row < batch * kvHeads; row++) {
        const from = row * sequence * headSize
        target.set(fresh.subarray(from, from + sequence * headSize), (row * capacity + used) * headSize)
      }
    }
    used += sequence
  }

  function grow(needed: number): void {
    const larger = Math.min(Math.ceil(needed / SLOTS) * SLOTS, Math.max(needed, context))
    const rows = batch * kvHeads
    cache = new Map(
      names.map((name) => {
        const before = cache.get(name)!
        const after = new Float32Array(rows * larger * headSize)
        for (let row = 0; row < rows; row++) {
          const from = row * capacity * headSize
          after.set(before.subarray(from, from + used * headSize), row * larger * headSize)
        }
        return [name, after]
      }),
    )
    capacity = larger
  }

  return {
    async prefill(prompts) {
      batch = prompts.length
      capacity = FIRST_SLOTS
      used = 0
      cache = new Map(names.map((name) => [name, new Float32Array(batch * kvHeads * FIRST_SLOTS * headSize)]))
      const longest = Math.max(...prompts.map((prompt) => prompt.length))
      padding = prompts.map((prompt) => longest - prompt.length)
      return run(prompts.map((prompt, row) => [...new Array<number>(padding[row]!).fill(0), ...prompt]))
    },
    step: (tokens) => run(tokens.map((token) => [token])),
  }
}

function int64(dims: readonly number[], at: (index: number) => number): HostTensor {
  const length = sizeOf(dims)
  return { dtype: 'int64', dims, data: BigInt64Array.from({ length }, (_, i) => BigInt(at(i))) }
}
