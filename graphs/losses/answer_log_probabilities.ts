/**
 * What a language model's head says of whole answers, from their tokens.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { filledLike, gemm, reduceMean, reshape, widened } from '../ops/index.ts'
import { perToken } from './pairs.ts'
import { tokenLogProbabilities } from './token_log_probabilities.ts'

export interface AnswerLogProbabilities {
  /** log π(answer), the sum over its tokens; 0 of an empty one. */
  readonly logps: Value
  /** The mean of all logits over the answer's tokens and the vocabulary. */
  readonly logits: Value
  /** The answer's tokens. */
  readonly lengths: Value
}

/**
 * Each of the shape that `perAnswer` gives.
 *
 * @param hidden [labelled, width], the rows that predict the answers' tokens
 * @param head [vocabulary, width]
 * @param labels int64 [labelled], the tokens
 * @param perAnswer sums [labelled] over each answer's tokens
 */
export function answerLogProbabilities(
  hidden: Value,
  head: Value,
  labels: Value,
  perAnswer: (x: Value) => Value,
): AnswerLogProbabilities {
  const { logp } = tokenLogProbabilities(hidden, head, labels)
  const lengths = perAnswer(filledLike(1, logp))
  // The mean of h·Wᵀ over the vocabulary is h·(the mean row of W).
  const meanLogits = reshape(gemm(widened(hidden), reduceMean(widened(head), [0]), { transB: true }), [
    'labelled',
  ])
  const logits = perToken(perAnswer(meanLogits), lengths)
  return { logps: perAnswer(logp), logits, lengths }
}
