/**
 * Examples to the inputs of a causal language model's training graph.
 * @module
 */
import type { Feeds, HostTensor } from '../runtime/session.ts'
import { NO_LOSS, countLabelled } from './encode.ts'
import type { EncodedExample } from './encode.ts'

export interface CollateOptions {
  /** Labelled tokens of the whole optimizer step, over all its batches; see `totalLabelled`. */
  readonly total: number
  /** Pads the sequence dimension to a multiple of this, 1 by default. */
  readonly padToMultipleOf?: number
}

/** Labelled tokens of a step: the weight 1/total makes its loss a mean over them, however it is cut into batches. */
export function totalLabelled(examples: readonly EncodedExample[]): number {
  return examples.reduce((sum, example) => sum + countLabelled(example), 0)
}

/** An int64 tensor of zeros and a view of the low words, which is all that non-negative 32-bit values need. */
function int64(dims: readonly number[]): { tensor: HostTensor; set: (index: number, value: number) => void } {
  const data = new BigInt64Array(dims.reduce((product, dim) => product * dim, 1))
  const low = new Int32Array(data.buffer)
  return { tensor: { dtype: 'int64', dims, data }, set: (index, value) => (low[2 * index] = value) }
}

/**
 * Pads on the right to the longest example and shifts the labels: the token at t is predicted at t − 1.
 *
 * input_ids, attention_mask, position_ids: int64 [batch, sequence], 0 where padded;
 * label_positions: int64 [labelled], flat index b·sequence + t of the position that predicts;
 * labels: int64 [labelled], the token there; label_weights: float32 [labelled], each 1/total.
 */
export function collate(examples: readonly EncodedExample[], { total, padToMultipleOf = 1 }: CollateOptions): Feeds {
  const longest = Math.max(...examples.map(({ input_ids }) => input_ids.length))
  const sequence = Math.ceil(longest / padToMultipleOf) * padToMultipleOf
  const dims = [examples.length, sequence]
  const labelled = totalLabelled(examples)
  const inputIds = int64(dims)
  const attentionMask = int64(dims)
  const positionIds = int64(dims)
  const labelPositions = int64([labelled])
  const labels = int64([labelled])

  let next = 0
  for (const [b, example] of examples.entries()) {
    for (const [t, id] of example.input_ids.entries()) {
      const at = b * sequence + t
      inputIds.set(at, id)
      attentionMask.set(at, 1)
      positionIds.set(at, t)
      const label = example.labels[t]!
      if (t === 0 || label === NO_LOSS) continue
      labelPositions.set(next, at - 1)
      labels.set(next, label)
      next++
    }
  }
  return {
    input_ids: inputIds.tensor,
    attention_mask: attentionMask.tensor,
    position_ids: positionIds.tensor,
    label_positions: labelPositions.tensor,
    labels: labels.tensor,
    label_weights: { dtype: 'float32', dims: [labelled], data: new Float32Array(labelled).fill(1 / total) },
  }
}
