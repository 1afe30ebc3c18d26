/**
 * Examples to the inputs of training graphs.
 * @module
 */
import { sizeOf } from '../../../graphs/ir/shape.ts'
import type { Feeds, HostTensor } from '../../runtime/session.ts'
import { NO_LOSS, countLabelled } from '../examples/encode.ts'
import type { EncodedExample } from '../examples/encode.ts'

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

/** An int64 tensor of zeros, and how to set one of its low words, which is all that non-negative 32-bit values need. */
export function int64(dims: readonly number[]): {
  tensor: HostTensor
  set: (index: number, value: number) => void
} {
  const data = new BigInt64Array(sizeOf(dims))
  const low = new Int32Array(data.buffer)
  return { tensor: { dtype: 'int64', dims, data }, set: (index, value) => (low[2 * index] = value) }
}

/**
 * The tokens of sequences of examples, padded on the right to the longest sequence.
 *
 * input_ids, attention_mask, position_ids: int64 [batch, sequence], 0 where padded. The mask numbers the examples of a
 * sequence from 1, and positions begin anew in each, so that packed examples do not see each other.
 */
export function collateTokens(
  sequences: readonly (readonly EncodedExample[])[],
  padToMultipleOf = 1,
): { readonly feeds: Feeds; readonly sequence: number } {
  const longest = Math.max(...sequences.map(tokenCount))
  const sequence = Math.ceil(longest / padToMultipleOf) * padToMultipleOf
  const dims = [sequences.length, sequence]
  const [inputIds, attentionMask, positionIds] = [int64(dims), int64(dims), int64(dims)]
  for (const { example, number, start } of placed(sequences, sequence)) {
    for (const [t, id] of example.input_ids.entries()) {
      inputIds.set(start + t, id)
      attentionMask.set(start + t, number)
      positionIds.set(start + t, t)
    }
  }
  const feeds = {
    input_ids: inputIds.tensor,
    attention_mask: attentionMask.tensor,
    position_ids: positionIds.tensor,
  }
  return { feeds, sequence }
}

/**
 * The inputs of a language model's graphs: {@link collateTokens}, and the labels, shifted: the token at t is
 * predicted at t − 1, and the first of an example by nothing.
 *
 * label_positions: int64 [labelled], flat index b·sequence + t of the position that predicts;
 * labels: int64 [labelled], the token there; label_weights: float32 [labelled], each 1/total.
 */
export function collate(
  sequences: readonly (readonly EncodedExample[])[],
  { total, padToMultipleOf = 1 }: CollateOptions,
): Feeds {
  const { feeds, sequence } = collateTokens(sequences, padToMultipleOf)
  const labelled = totalLabelled(sequences.flat())
  const labelPositions = int64([labelled])
  const labels = int64([labelled])
  let next = 0
  for (const { example, start } of placed(sequences, sequence)) {
    for (const [t, label] of example.labels.entries()) {
      if (t === 0 || label === NO_LOSS) continue
      labelPositions.set(next, start + t - 1)
      labels.set(next, label)
      next++
    }
  }
  return {
    ...feeds,
    label_positions: labelPositions.tensor,
    labels: labels.tensor,
    label_weights: { dtype: 'float32', dims: [labelled], data: new Float32Array(labelled).fill(1 / total) },
  }
}

const tokenCount = (examples: readonly EncodedExample[]): number =>
  examples.reduce((sum, { input_ids }) => sum + input_ids.length, 0)

/** Each example with its number within its sequence, from 1, and the flat index where it begins. */
function* placed(
  sequences: readonly (readonly EncodedExample[])[],
  sequence: number,
): Generator<{ example: EncodedExample; number: number; start: number }> {
  for (const [b, examples] of sequences.entries()) {
    let start = b * sequence
    for (const [i, example] of examples.entries()) {
      yield { example, number: i + 1, start }
      start += example.input_ids.length
    }
  }
}
