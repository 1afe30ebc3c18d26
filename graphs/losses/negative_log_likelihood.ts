/**
 * Next-token cross-entropy over the labelled positions only.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { neg } from '../ops/index.ts'
import { tokenLogProbabilities } from './token_log_probabilities.ts'

/**
 * The negative log-likelihood of each label under softmax(h·Wᵀ); see {@link tokenLogProbabilities}.
 *
 * @param hidden [labelled, n_embd], the rows that predict
 * @param head [vocabulary, n_embd]
 * @param labels int64 [labelled]
 * @returns [labelled], in nats
 */
export const tokenNegativeLogLikelihood = (hidden: Value, head: Value, labels: Value): Value =>
  neg(tokenLogProbabilities(hidden, head, labels).logp)
