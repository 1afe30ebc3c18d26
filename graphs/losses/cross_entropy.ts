/**
 * Cross-entropy of one class per row.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import {
  add,
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
 * @param smoothing ε: Y is (1 − ε)·one-hot + ε/classes, and z[label] is Σ Y·z
 * @returns [rows], in nats
 */
export function crossEntropy(given: Value, labels: Value, smoothing = 0): Value {
  const logits = widened(given)
  const probabilities = softmax(logits)
  const classes = logits.shape[1] as number
  const numbers = lookedUp(labels, classes - 1)
  const oneHot = cast(equal(unsqueeze(numbers, 1), unsqueeze(range(logits, classes), 0)), logits.dtype)
  const wanted = smoothing === 0 ? oneHot : add(mul(oneHot, 1 - smoothing), smoothing / classes)
  const labelLogits = reduceSum(mul(logits, wanted), [-1], false)
  const below = sub(reduceMax(logits, [-1], false), labelLogits)
  const nll = sub(below, log(reduceMax(probabilities, [-1], false)))
  logits.graph.composite({
    name: 'cross_entropy',
    inputs: [logits],
    outputs: [nll],
    gradient: ([dnll]) => [() => mul(sub(probabilities, wanted), unsqueeze(dnll!, 1))],
  })
  return nll
}
