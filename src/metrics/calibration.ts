/**
 * Whether a reward model is right as often as it says (Guo et al.: On Calibration of Modern Neural Networks, 2017).
 *
 * By Bradley and Terry a model whose scores differ by Δ = s₊ − s₋ gives σ(Δ) to the answer that people preferred. The
 * preferred one always comes first here, so what is compared is the answer that the model itself prefers: it is right where
 * Δ > 0, and its confidence is σ(|Δ|), from ½ to 1.
 * @module
 */
import { UserError } from '../errors.ts'

export interface CalibrationBin {
  /** Confidences above `from` (the first bin: and ½ itself), and up to `to`. */
  readonly from: number
  readonly to: number
  readonly count: number
  /** Mean confidence and share of right answers; null in an empty bin. */
  readonly confidence: number | null
  readonly accuracy: number | null
}

export interface Calibration {
  /** Σ over the bins of count/n · |accuracy − confidence|; 0 where the model is right as often as it says. */
  readonly expectedCalibrationError: number
  /** Mean of (1 − σ(Δ))² (Brier, 1950): 0 for a model that is sure and right, ¼ for one that tells nothing apart. */
  readonly brierScore: number
  readonly bins: readonly CalibrationBin[]
}

/**
 * The calibration of a reward model.
 *
 * @param differences of each pair, the preferred answer's score less the other's
 * @param bins how many parts of equal width the confidences from ½ to 1 are cut into
 * @throws UserError without pairs
 */
export function calibration(differences: readonly number[], bins = 10): Calibration {
  if (differences.length === 0) throw new UserError('calibration: there is no pair; give at least one')
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }))
  for (const difference of differences) {
    const confidence = sigmoid(Math.abs(difference))
    // NaN, of scores that are no numbers, is counted in the first bin.
    const bin = sums[Math.max(0, Math.ceil((confidence - 0.5) * 2 * bins) - 1) || 0]!
    bin.count++
    bin.confidence += confidence
    bin.right += Number(difference > 0)
  }
  const total = differences.length
  return {
    expectedCalibrationError:
      sums.reduce((sum, bin) => sum + Math.abs(bin.right - bin.confidence), 0) / total,
    brierScore: differences.reduce((sum, difference) => sum + sigmoid(-difference) ** 2, 0) / total,
    bins: sums.map(({ count, confidence, right }, i) => ({
      from: 0.5 + i / (2 * bins),
      to: 0.5 + (i + 1) / (2 * bins),
      count,
      confidence: count === 0 ? null : confidence / count,
      accuracy: count === 0 ? null : right / count,
    })),
  }
}

/** 1/(1 + e⁻ˣ) */
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
