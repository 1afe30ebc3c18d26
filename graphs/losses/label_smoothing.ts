/**
 * Label smoothing: a part ε of what is learned is spread over all tokens alike. Szegedy et al.: Rethinking the Inception
 * Architecture for Computer Vision (2015), §7.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { add, gather, mul, reduceMean, reduceSum, sub, unsqueeze, widened } from '../ops/index.ts'

/**
 * (1 − ε)·nll − ε·mean over the vocabulary of log P. Since log P = z − logsumexp(z) and z = h·Wᵀ, this is
 * nll + ε·h·(W[label] − W̄), where W̄ is the mean of W's rows.
 *
 * @param nll [labelled], that of each label under softmax(h·Wᵀ)
 * @param hidden h [labelled, width]
 * @param head W [vocabulary, width]
 * @param labels int64 [labelled]
 * @param factor ε
 * @returns [labelled]
 */
export function smoothed(nll: Value, hidden: Value, head: Value, labels: Value, factor: number): Value {
  if (factor === 0) return nll
  const mean = unsqueeze(reduceMean(widened(head), [0], false), 0)
  const from = sub(widened(gather(head, labels)), mean)
  return add(nll, mul(reduceSum(mul(widened(hidden), from), [-1], false), factor))
}
