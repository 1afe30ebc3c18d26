/**
 * From logits to the next token, with transformers' options in transformers' order: repetition penalty, temperature,
 * top-k, top-p.
 * @module
 */
import type { Random } from '../random.ts'

export interface SamplingOptions {
  /** False takes the likeliest token; the options below but the penalty then count for nothing. */
  readonly do_sample: boolean
  readonly temperature: number
  /** Keep the k likeliest tokens; 0 keeps all. */
  readonly top_k: number
  /** Keep the fewest likeliest tokens that hold this much probability together (Holtzman et al. 2020); 1 keeps all. */
  readonly top_p: number
  /** Divides positive and multiplies negative logits of tokens that occurred (Keskar et al.: CTRL, 2019); 1 does nothing. */
  readonly repetition_penalty: number
}

export const greedy: SamplingOptions = {
  do_sample: false,
  temperature: 1,
  top_k: 0,
  top_p: 1,
  repetition_penalty: 1,
}

/**
 * Penalises the tokens that occurred, in place.
 *
 * @param logits [vocabulary]
 */
export function penaliseRepetition(logits: Float32Array, occurred: Iterable<number>, penalty: number): void {
  if (penalty === 1) return
  for (const token of new Set(occurred)) {
    const logit = logits[token]!
    logits[token] = logit > 0 ? logit / penalty : logit * penalty
  }
}

/** The index of the largest logit; the first of equals. */
export function argmax(logits: Float32Array): number {
  let best = 0
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i
  return best
}

/**
 * The distribution that is sampled from: softmax(logits / temperature) over the tokens that top-k and top-p keep.
 *
 * @param logits [vocabulary], already penalised
 * @returns [vocabulary], summing to 1; 0 at tokens that were cut
 */
export function samplingDistribution(
  logits: Float32Array,
  { temperature, top_k, top_p }: Pick<SamplingOptions, 'temperature' | 'top_k' | 'top_p'>,
): Float32Array {
  const threshold = top_k > 0 && top_k < logits.length ? kthLargest(logits, top_k) : -Infinity
  const largest = logits[argmax(logits)]!
  // softmax(z/T) = exp((z − max z)/T) / Σ exp((z − max z)/T)
  const weights = logits.map((logit) => (logit < threshold ? 0 : Math.exp((logit - largest) / temperature)))
  const total = sum(weights)
  if (top_p < 1) cutTail(weights, top_p * total)
  const kept = top_p < 1 ? sum(weights) : total
  return weights.map((weight) => weight / kept)
}

/**
 * Draws the next token.
 *
 * @param logits [vocabulary]; changed in place by the repetition penalty
 * @param occurred the tokens of the sequence so far
 */
export function nextToken(
  logits: Float32Array,
  occurred: Iterable<number>,
  options: SamplingOptions,
  random: Random,
): number {
  penaliseRepetition(logits, occurred, options.repetition_penalty)
  if (!options.do_sample) return argmax(logits)
  const probabilities = samplingDistribution(logits, options)
  let left = random.uniform()
  let last = 0
  for (let token = 0; token < probabilities.length; token++) {
    const probability = probabilities[token]!
    if (probability === 0) continue
    last = token
    left -= probability
    if (left < 0) break
  }
  return last
}

/** Keeps the heaviest weights until they hold `mass`, the one that reaches it included; sets the others to 0. */
function cutTail(weights: Float32Array, mass: number): void {
  const order = Array.from(weights.keys()).filter((token) => weights[token]! > 0)
  order.sort((a, b) => weights[b]! - weights[a]!)
  let held = 0
  for (const token of order) {
    if (held >= mass) weights[token] = 0
    else held += weights[token]!
  }
}

function kthLargest(values: Float32Array, k: number): number {
  return values.toSorted()[values.length - k]!
}

const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0)
