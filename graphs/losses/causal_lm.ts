/**
 * Next-token cross-entropy over the labelled positions only.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { gather } from '../ops/gather.ts'
import { gemm } from '../ops/gemm.ts'
import { log } from '../ops/log.ts'
import { mul } from '../ops/mul.ts'
import { neg } from '../ops/neg.ts'
import { reduceMax } from '../ops/reduce_max.ts'
import { reduceSum } from '../ops/reduce_sum.ts'
import { softmax } from '../ops/softmax.ts'
import { sub } from '../ops/sub.ts'
import { unsqueeze } from '../ops/unsqueeze.ts'

/**
 * The negative log-likelihood of each label under softmax(h·Wᵀ).
 *
 * With logits z = h·Wᵀ and P = softmax(z): nll = logsumexp(z) − z[label] = max z − log(max P) − h·W[label],
 * which cannot underflow, since max P ≥ 1/vocabulary. The gradient needs neither a one-hot nor a scatter for h:
 * dh = dnll·(P·W − W[label]),  dW = Pᵀ·(dnll·h), less dnll·h at the labels' rows.
 *
 * @param hidden [labelled, n_embd], the rows that predict
 * @param head [vocabulary, n_embd], the (tied) embedding or the head's own weight
 * @param labels int64 [labelled]
 * @returns [labelled], in nats
 */
export function tokenNegativeLogLikelihood(hidden: Value, head: Value, labels: Value): Value {
  const logits = gemm(hidden, head, { transB: true })
  const probabilities = softmax(logits)
  const logNormaliser = sub(reduceMax(logits, [-1], false), log(reduceMax(probabilities, [-1], false)))
  const labelRows = gather(head, labels)
  const nll = sub(logNormaliser, reduceSum(mul(hidden, labelRows), [-1], false))
  hidden.graph.composite({
    name: 'token_negative_log_likelihood',
    inputs: [hidden, head],
    outputs: [nll],
    gradient: ([dnll]) => {
      const perRow = unsqueeze(dnll!, 1)
      const scaled = mul(hidden, perRow)
      return [
        () => mul(sub(gemm(probabilities, head), labelRows), perRow),
        () => [gemm(probabilities, scaled, { transA: true }), { indices: labels, updates: neg(scaled) }],
      ]
    },
  })
  return nll
}

/** loss = Σ wᵢ·nllᵢ; with weights 1/(labelled tokens of the optimizer step) it is their mean. Scalar. */
export const weightedSum = (nll: Value, weights: Value): Value => reduceSum(mul(nll, weights), [0], false)
