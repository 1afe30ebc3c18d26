/**
 * The percentile bootstrap (Efron, 1979; Efron and Tibshirani, 1993, chapter 13): how far a mean may be off because
 * only so many examples were measured.
 * @module
 */
import { UserError } from '../errors.ts'
import { createRandom } from '../random.ts'

export interface BootstrapOptions {
  /** The share of resampled means inside the interval; default 0.95. */
  readonly level?: number
  /** How many times the values are drawn anew; default 2000. */
  readonly samples?: number
  readonly seed?: number
}

export interface Interval {
  readonly mean: number
  readonly low: number
  readonly high: number
}

/** The middle of some values, and how far it may be off. */
export interface MedianInterval {
  readonly median: number
  readonly low: number
  readonly high: number
}

/**
 * The mean of `values` and its bootstrap interval: draw as many values with replacement, take their mean, repeat, and
 * cut off (1 − level)/2 of the means at either end. The same seed gives the same interval. A UserError without values.
 */
export function bootstrapInterval(values: readonly number[], options?: BootstrapOptions): Interval {
  return { mean: meanOf(Float64Array.from(values)), ...intervalOf(values, meanOf, options) }
}

/** The same of the median, as for runs with different seeds, of which one may have gone astray. */
export function medianInterval(values: readonly number[], options?: BootstrapOptions): MedianInterval {
  return { median: medianOf(Float64Array.from(values)), ...intervalOf(values, medianOf, options) }
}

const meanOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length

const medianOf = (values: Float64Array): number => quantile(values.sort(), 0.5)

/** @param statistic is given values that it may put into another order */
function intervalOf(
  values: readonly number[],
  statistic: (values: Float64Array) => number,
  { level = 0.95, samples = 2000, seed = 0 }: BootstrapOptions = {},
): { readonly low: number; readonly high: number } {
  if (values.length === 0)
    throw new UserError('bootstrap interval: there is no value; give at least one example')
  if (!(level > 0 && level < 1) || !Number.isInteger(samples) || samples < 1)
    throw new RangeError(
      `bootstrap interval: needs 0 < level < 1 and samples ≥ 1, got level ${level} and samples ${samples}`,
    )
  const random = createRandom(seed, 'bootstrap')
  const drawn = new Float64Array(values.length)
  const statistics = Float64Array.from({ length: samples }, () => {
    for (let i = 0; i < drawn.length; i++) drawn[i] = values[random.integer(values.length)]!
    return statistic(drawn)
  }).sort()
  return { low: quantile(statistics, (1 - level) / 2), high: quantile(statistics, (1 + level) / 2) }
}

/** Linear between the neighbours of position p·(count − 1), the 7th definition of Hyndman and Fan (1996). */
function quantile(sorted: Float64Array, p: number): number {
  const position = p * (sorted.length - 1)
  const below = sorted[Math.floor(position)]!
  const above = sorted[Math.ceil(position)]!
  return below + (above - below) * (position - Math.floor(position))
}
