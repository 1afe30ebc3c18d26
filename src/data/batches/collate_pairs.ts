/**
 * Pairs of answers to the inputs of DPO's graphs. The prompt is there once: it is followed by both answers, neither of
 * which sees the other. So the numbers are those of two rows, for the tokens of little more than one.
 * @module
 */
import type { Feeds } from '../../runtime/session.ts'
import { int64 } from './collate.ts'
import { promptLength } from '../examples/encode.ts'
import type { EncodedExample } from '../examples/encode.ts'

/** The parts of a pair's sequence, as the mask numbers them. */
const PROMPT = 1
const CHOSEN = 2

/**
 * Each sequence is a pair, the preferred answer's row and the other's, with one prompt before both:
 * prompt, preferred answer, other answer, padding.
 *
 * input_ids, attention_mask, position_ids: int64 [pairs, sequence], 0 where padded. The mask is 1 on the prompt, 2 on the
 * preferred answer, 3 on the other; a token sees those before it in its own part and in the prompt. Both answers'
 * positions go on from the prompt's length.
 *
 * label_positions: int64 [labelled], flat index b·sequence + t of the position that predicts: for an answer's first token
 * the prompt's last, so that it occurs twice in a pair. Where there is no prompt nothing predicts the first token;
 * labels: int64 [labelled], the token; label_answers: int64 [labelled], 2·pair, and 1 more for the other answer;
 * pair_weights: float32 [pairs], each 1/total.
 *
 * @param total pairs of the whole optimizer step
 */
export function collatePairs(
  sequences: readonly (readonly EncodedExample[])[],
  { total }: { readonly total: number },
): Feeds {
  const prompts = sequences.map(([chosen]) => promptLength(chosen!))
  const lengths = sequences.map((rows, b) => tokens(rows) - prompts[b]!)
  const sequence = Math.max(...lengths)
  const dims = [sequences.length, sequence]
  const labelled = sequences.reduce((sum, rows, b) => sum + tokens(rows) - 2 * Math.max(1, prompts[b]!), 0)
  const [inputIds, attentionMask, positionIds] = [int64(dims), int64(dims), int64(dims)]
  const [labelPositions, labels, labelAnswers] = [int64([labelled]), int64([labelled]), int64([labelled])]
  let next = 0
  for (const [b, rows] of sequences.entries()) {
    const [prompt, start] = [prompts[b]!, b * sequence]
    let at = start + prompt
    const place = (index: number, id: number, part: number, position: number): void => {
      inputIds.set(index, id)
      attentionMask.set(index, part)
      positionIds.set(index, position)
    }
    for (let t = 0; t < prompt; t++) place(start + t, rows[0]!.input_ids[t]!, PROMPT, t)
    for (const [answer, { input_ids }] of rows.entries()) {
      for (let t = prompt; t < input_ids.length; t++, at++) {
        place(at, input_ids[t]!, CHOSEN + answer, t)
        if (t === 0) continue
        labelPositions.set(next, t === prompt ? start + prompt - 1 : at - 1)
        labels.set(next, input_ids[t]!)
        labelAnswers.set(next, 2 * b + answer)
        next++
      }
    }
  }
  return {
    input_ids: inputIds.tensor,
    attention_mask: attentionMask.tensor,
    position_ids: positionIds.tensor,
    label_positions: labelPositions.tensor,
    labels: labels.tensor,
    label_answers: labelAnswers.tensor,
    pair_weights: {
      dtype: 'float32',
      dims: [sequences.length],
      data: new Float32Array(sequences.length).fill(1 / total),
    },
  }
}

const tokens = (rows: readonly EncodedExample[]): number =>
  rows.reduce((sum, { input_ids }) => sum + input_ids.length, 0)
