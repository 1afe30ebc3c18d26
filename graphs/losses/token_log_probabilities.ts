/**
 * What a language model's head says of given tokens, at the labelled positions only.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import {
  add,
  cast,
  gather,
  gemm,
  log,
  mul,
  neg,
  reduceMax,
  reduceSum,
  softmax,
  sub,
  unsqueeze,
  widened,
} from '../ops/index.ts'
import { late } from '../layers/late.ts'

export interface TokenDistribution {
  /** log P[label]. [labelled] */
  readonly logp: Value
  /** H = −Σ P·log P, in nats; costs nothing where it is not used. [labelled] */
  readonly entropy: Value
}

/**
 * The log-probability of each label under P = softmax(z), z = h·Wᵀ/T, and the entropy of P.
 *
 * logp = h·W[label]/T − max z + log(max P), which cannot underflow, since max P ≥ 1/vocabulary;
 * H = −log(max P) − Σ P∘(z − max z), where no large numbers cancel.
 *
 * Of 16 bits the logits, and all that is made of them but the products back, are float32.
 *
 * The joint gradient needs neither a one-hot nor a scatter for h. Since log P + H = z − Σ P∘z,
 * dz = dlogp·(Y − P) − dH·P∘(z − Σ P∘z), where Y is the labels' one-hot; with Q = P∘(dlogp + dH·(z − Σ P∘z)):
 * dh = (dlogp·W[label] − Q·W)/T,  dW = −Qᵀ·h/T, and dlogp·h/T more at the labels' rows.
 *
 * @param hidden h [labelled, n_embd], the rows that predict
 * @param head W [vocabulary, n_embd], the (tied) embedding or the head's own weight
 * @param labels int64 [labelled]
 * @param temperature T
 */
export function tokenLogProbabilities(
  hidden: Value,
  head: Value,
  labels: Value,
  temperature = 1,
): TokenDistribution {
  const cooled = (x: Value) => (temperature === 1 ? x : mul(x, 1 / temperature))
  const h = cooled(hidden)
  /** As the matrix products take it: of 16 bits where they are. */
  const rounded = (x: Value) => cast(x, h.dtype)
  const logits = widened(gemm(h, head, { transB: true }))
  const probabilities = softmax(logits)
  const logLargest = log(reduceMax(probabilities, [-1], false))
  // ONNX Runtime computes first what stands last. Once the maxima are taken, the probabilities get the memory of the logits, which
  // with a vocabulary's width are the largest tensors of a step.
  const largest = reduceMax(logits, [-1], false)
  const labelRows = gather(head, labels)
  // Rounded as the other logits are, so that no probability is above 1.
  const labelLogits = widened(rounded(reduceSum(mul(widened(h), widened(labelRows)), [-1], false)))
  const logp = sub(labelLogits, sub(largest, logLargest))

  const below = sub(logits, unsqueeze(largest, 1))
  const mean = reduceSum(mul(probabilities, below), [-1], false)
  const entropy = neg(add(logLargest, mean))
  hidden.graph.composite({
    name: 'token_log_probabilities',
    inputs: [hidden, head],
    outputs: [logp, entropy],
    gradient: ([dlogp, dH]) => {
      // After the maxima, and made after the products that it scales, for the same reason.
      const perRow = dlogp && (() => late(unsqueeze(dlogp, 1), largest))
      if (!dH) {
        // Q = dlogp·P: its factor is left for after the product, where rows are shorter.
        return [
          () => cooled(mul(widened(sub(labelRows, gemm(rounded(probabilities), head))), perRow!())),
          () => {
            const scaled = mul(widened(h), perRow!())
            return [
              gemm(rounded(probabilities), rounded(neg(scaled)), { transA: true }),
              { indices: labels, updates: scaled },
            ]
          },
        ]
      }
      const ofEntropy = mul(sub(below, unsqueeze(mean, 1)), unsqueeze(dH, 1))
      const Q = rounded(mul(probabilities, perRow ? add(ofEntropy, perRow()) : ofEntropy))
      const back = widened(neg(gemm(Q, head)))
      return [
        () => cooled(perRow ? add(back, mul(widened(labelRows), perRow())) : back),
        () => [
          gemm(Q, neg(h), { transA: true }),
          ...(perRow ? [{ indices: labels, updates: mul(widened(h), perRow()) }] : []),
        ],
      ]
    },
  })
  return { logp, entropy }
}
