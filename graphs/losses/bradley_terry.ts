/**
 * What a reward model learns from pairs. Bradley, Terry: Rank Analysis of Incomplete Block Designs (1952); for reward models
 * Christiano et al. (2017), Stiennon et al.: Learning to Summarize from Human Feedback (2020).
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { add, mul, neg, reduceSum, sub } from '../ops/index.ts'
import { logSigmoid } from './log_sigmoid.ts'
import { chosenLessRejected } from './pairs.ts'

/**
 * −log P(chosen ≻ rejected) = −log σ(s₊ − s₋ − m), with the centering c·(s₊ + s₋)² added: it picks, of all the scores that
 * differ by a constant, those around zero (Eisenstein et al.: Helping or Herding?, 2023).
 *
 * @param scores s [pairs, 2], the chosen answer's first
 * @param margins m [pairs], by how much the chosen answer is to lead (Touvron et al.: Llama 2, 2023); 0 for none
 * @param centering c
 * @returns [pairs]
 */
export function bradleyTerry(scores: Value, margins: Value, centering: number): Value {
  const loss = neg(logSigmoid(sub(chosenLessRejected(scores), margins)))
  if (centering === 0) return loss
  const sum = reduceSum(scores, [-1], false)
  return add(loss, mul(mul(sum, sum), centering))
}
