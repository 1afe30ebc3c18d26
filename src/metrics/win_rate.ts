/**
 * How often one of two is better, over things that both were tried on.
 * @module
 */
import { bootstrapInterval } from './bootstrap.ts'

export interface WinRate {
  /** Where the first scored higher. */
  readonly wins: number
  /** Where both scored the same. */
  readonly ties: number
  /** Where the second scored higher. */
  readonly losses: number
  /** Of the first, 0 … 1; a tie counts half. */
  readonly rate: number
  /** Its 95 % bootstrap interval; where all outcomes are alike it has no width, however few they are. */
  readonly low: number
  readonly high: number
}

/**
 * The win rate of `first` over `second`, whose scores at the same index belong together; the higher is the better.
 * A UserError without scores, a RangeError where they are not as many.
 */
export function winRate(
  first: readonly number[],
  second: readonly number[],
  { seed = 0 }: { readonly seed?: number } = {},
): WinRate {
  if (first.length !== second.length)
    throw new RangeError(`win rate: ${first.length} scores against ${second.length}`)
  // wᵢ = 1 where aᵢ > bᵢ, ½ where aᵢ = bᵢ, else 0;  rate = Σ wᵢ / n
  const outcomes = first.map((score, i) => (Math.sign(score - second[i]!) + 1) / 2)
  const { mean, low, high } = bootstrapInterval(outcomes, { seed })
  const count = (outcome: number) => outcomes.filter((one) => one === outcome).length
  return { wins: count(1), ties: count(0.5), losses: count(0), rate: mean, low, high }
}
