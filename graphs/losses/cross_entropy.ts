/**
 * Cross-entropy of one class per row.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import {
  cast,
  equal,
  log,
  lookedUp,
  mul,
  range,
  reduceMax,
  reduceSum,
  softmax,
  sub,
  unsqueeze,
  widened,
} from '../ops/index.ts'

/**
 * nll = logsumexp(z) − z[label] = (max z − z[label]) − log(max P) with P = softmax(z), which cannot underflow; in this order
 * large logits cancel before the small term is added.
 * dz = dnll·(P − Y), where Y is the labels' one-hot.
 *
 * @param given z, the logits [rows, classes]
 * @param labels int64 [rows]
 * @returns [rows], in nats
 */
export function crossEntropy(given: Value, labels: Value): Value {
  const logits = widened(given)
  const probabilities = softmax(logits)
  const classes = logits.shape[1] as number
  const numbers = lookedUp(labels, classes - 1)
  const oneHot = cast(equal(unsqueeze(numbers, 1), unsqueeze(range(logits, classes), 0)), logits.dtype)
  const labelLogits = reduceSum(mul(logits, oneHot), [-1], false)
  const below = sub(reduceMax(logits, [-1], false), labelLogits)
  const nll = sub(below, log(reduceMax(probabilities, [-1], false)))
  logits.graph.composite({
    name: 'cross_entropy',
    inputs: [logits],
    outputs: [nll],
    gradient: ([dnll]) => [() => mul(sub(probabilities, oneHot), unsqueeze(dnll!, 1))],
  })
  return nll
}
