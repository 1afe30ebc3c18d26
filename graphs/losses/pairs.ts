/**
 * What losses of pairs share. What is known of each answer is [pairs, 2], the chosen answer's first.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { add, div, maximum, mul, neg, reduceSum, reshape, scatterAddRows } from '../ops/index.ts'
import { logSigmoid } from './log_sigmoid.ts'

/** x₊ − x₋ of each pair: [pairs, 2] → [pairs]. */
export const chosenLessRejected = (x: Value): Value => combined(x, 1, -1)

/** x₊ of each pair: [pairs, 2] → [pairs]. */
export const ofChosen = (x: Value): Value => combined(x, 1, 0)

const combined = (x: Value, chosen: number, rejected: number): Value =>
  reduceSum(mul(x, x.graph.constant([chosen, rejected], x.dtype)), [-1], false)

/** The mean over each answer's tokens, from the sum over them; an empty answer's is 0. [pairs, 2], [pairs, 2] → [pairs, 2] */
export const perToken = (sums: Value, lengths: Value): Value => div(sums, maximum(lengths, 1))

/**
 * The sum of each answer's tokens: [labelled] → [pairs, 2].
 *
 * @param answers whose token each is, int64 [labelled]: 2·pair, and 1 more in the rejected answer
 * @param zeros [pairs, 2]
 */
export const sumPerAnswer = (x: Value, answers: Value, zeros: Value): Value =>
  reshape(scatterAddRows(reshape(zeros, ['2*pairs']), answers, x), ['pairs', 2])

/**
 * −log P(chosen ≻ rejected), where P = σ(x) and a share ε of the pairs is taken to be the wrong way round:
 * −(1 − ε)·log σ(x) − ε·log σ(−x), the label smoothing of conservative DPO (Mitchell: A note on DPO with noisy preferences, 2023).
 *
 * @param x [pairs]
 * @param smoothing ε
 */
export function smoothedLogistic(x: Value, smoothing: number): Value {
  const { clean, flipped } = logisticParts(x, smoothing)
  return smoothing === 0 ? clean() : add(clean(), flipped())
}

/** −(1 − ε)·log σ(x), of pairs the right way round, and −ε·log σ(−x), of those the wrong way round. */
export const logisticParts = (x: Value, smoothing: number) => ({
  clean: () => mul(logSigmoid(x), smoothing - 1),
  flipped: () => mul(logSigmoid(neg(x)), -smoothing),
})
