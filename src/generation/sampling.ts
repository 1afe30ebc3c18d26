/**
 * From logits to the next token, with transformers' options in transformers' order: repetition penalty, repeated n-grams,
 * temperature, top-k, top-p, min-p.
 * @module
 */
import type { Random } from '../random.ts'
import { exponential } from './exponential.ts'

export interface SamplingOptions {
  /** False takes the likeliest token; temperature, top-k, top-p and min-p then count for nothing. */
  readonly do_sample: boolean
  readonly temperature: number
  /** Keep the k likeliest tokens; 0 keeps all. */
  readonly top_k: number
  /** Keep the fewest likeliest tokens that hold this much probability together (Holtzman et al. 2020); 1 keeps all. */
  readonly top_p: number
  /** Divides positive and multiplies negative logits of tokens that occurred (Keskar et al.: CTRL, 2019); 1 does nothing. */
  readonly repetition_penalty: number
  /** Keep tokens of at least this share of the likeliest one's probability (Nguyen et al. 2024); 0, the default, keeps all. */
  readonly min_p?: number
  /** No n tokens in a row come twice (Paulus et al. 2017); 0, the default, lets them. */
  readonly no_repeat_ngram_size?: number
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

/**
 * Bars each token that would end n tokens which occurred in this order already, in place.
 *
 * @param logits [vocabulary]
 */
export function barRepeated(logits: Float32Array, occurred: readonly number[], n: number): void {
  if (n === 0) return
  const begun = occurred.slice(Math.max(0, occurred.length - n + 1))
  for (let end = n - 1; end < occurred.length; end++)
    if (begun.every((token, i) => token === occurred[end - begun.length + i]))
      logits[occurred[end]!] = -Infinity
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
export function samplingDistribution(logits: Float32Array, options: Truncation): Float32Array {
  const { weights, total } = keptWeights(logits, options)
  return weights.map((weight) => weight / total)
}

type Truncation = Pick<SamplingOptions, 'temperature' | 'top_k' | 'top_p' | 'min_p'>

/** exp((z − max z)/T) of the tokens that are kept, 0 of the others, and their sum. */
function keptWeights(logits: Float32Array, { temperature, top_k, top_p, min_p = 0 }: Truncation) {
  const threshold = top_k > 0 && top_k < logits.length ? kthLargest(logits, top_k) : -Infinity
  const largest = logits[argmax(logits)]!
  // softmax(z/T) = exp((z − max z)/T) / Σ exp((z − max z)/T)
  const weights = new Float32Array(logits.length)
  for (let i = 0; i < logits.length; i++)
    weights[i] = logits[i]! < threshold ? 0 : exponential((logits[i]! - largest) / temperature)
  if (top_p < 1) cutTail(weights, top_p * sum(weights))
  // The likeliest weighs 1.
  if (min_p > 0) for (let i = 0; i < weights.length; i++) if (weights[i]! < min_p) weights[i] = 0
  return { weights, total: sum(weights) }
}

/**
 * Draws the next token.
 *
 * @param logits [vocabulary]; changed in place by what counts occurrences
 * @param occurred the tokens of the sequence so far
 */
export function nextToken(
  logits: Float32Array,
  occurred: readonly number[],
  options: SamplingOptions,
  random: Random,
): number {
  penaliseRepetition(logits, occurred, options.repetition_penalty)
  barRepeated(logits, occurred, options.no_repeat_ngram_size ?? 0)
  if (!options.do_sample) return argmax(logits)
  const { weights, total } = keptWeights(logits, options)
  let left = random.uniform()
  let last = 0
  for (let token = 0; token < weights.length; token++) {
    const weight = weights[token]!
    if (weight === 0) continue
    last = token
    left -= Math.fround(weight / total)
    if (left < 0) break
  }
  return last
}

/** A float32's sign, exponent and first 7 bits of mantissa: order-preserving classes of weights from 0 to 1. */
const CLASSES = (0x3f800000 >>> 16) + 1

/**
 * Keeps the heaviest weights until they hold `mass`, the one that reaches it included, the first of equals before the
 * others; sets the rest to 0.
 *
 * Weights are summed up by class, a class being numbers that differ by less than 1 %; only the one in which the mass is
 * reached has to be sorted.
 *
 * @param weights 0 … 1
 */
function cutTail(weights: Float32Array, mass: number): void {
  const bits = new Uint32Array(weights.buffer, weights.byteOffset, weights.length)
  const held = new Float64Array(CLASSES)
  for (let i = 0; i < weights.length; i++) held[bits[i]! >>> 16]! += weights[i]!
  let last = CLASSES - 1
  let before = 0
  while (last > 0 && before + held[last]! < mass) before += held[last--]!

  const undecided: number[] = []
  for (let i = 0; i < weights.length; i++) {
    const its = bits[i]! >>> 16
    if (its === last) undecided.push(i)
    else if (its < last) weights[i] = 0
  }
  undecided.sort((a, b) => weights[b]! - weights[a]! || a - b)
  for (const token of undecided) {
    if (before >= mass) weights[token] = 0
    else before += weights[token]!
  }
}

/** By Hoare's selection (1961): halves that do not hold the k-th are left unsorted. */
function kthLargest(values: Float32Array, k: number): number {
  const copy = values.slice()
  const wanted = copy.length - k
  let [low, high] = [0, copy.length - 1]
  while (low < high) {
    const pivot = copy[(low + high) >>> 1]!
    let [i, j] = [low, high]
    while (i <= j) {
      while (copy[i]! < pivot) i++
      while (copy[j]! > pivot) j--
      if (i > j) break
      const value = copy[i]!
      copy[i++] = copy[j]!
      copy[j--] = value
    }
    if (wanted <= j) high = j
    else if (wanted >= i) low = i
    else break
  }
  return copy[wanted]!
}

function sum(values: Float32Array): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]!
  return total
}
