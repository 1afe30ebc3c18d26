/**
 * Likelihoods and divergences of next-token distributions given as logits, [tokens, vocabulary].
 * @module
 */

/** Σ log p of the tokens, in nats. */
export function logProbability(logits: Float32Array, tokens: ArrayLike<number>): number {
  const vocabulary = logits.length / tokens.length
  let sum = 0
  for (let t = 0; t < tokens.length; t++) {
    const row = logits.subarray(t * vocabulary, (t + 1) * vocabulary)
    sum += row[tokens[t]!]! - logSumExp(row)
  }
  return sum
}

/** The mean KL(P‖Q) per token, in nats. */
export function meanDivergence(p: Float32Array, q: Float32Array, tokens: number): number {
  const vocabulary = p.length / tokens
  let sum = 0
  for (let t = 0; t < tokens; t++) {
    const [z, y] = [p, q].map((all) => all.subarray(t * vocabulary, (t + 1) * vocabulary)) as [
      Float32Array,
      Float32Array,
    ]
    const [normalP, normalQ] = [logSumExp(z), logSumExp(y)]
    for (let v = 0; v < vocabulary; v++) {
      const logP = z[v]! - normalP
      sum += Math.exp(logP) * (logP - (y[v]! - normalQ))
    }
  }
  return sum / tokens
}

function logSumExp(row: Float32Array): number {
  let most = -Infinity
  for (const value of row) if (value > most) most = value
  let sum = 0
  for (const value of row) sum += Math.exp(value - most)
  return most + Math.log(sum)
}
