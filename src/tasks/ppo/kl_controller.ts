/**
 * The price of diverging from the reference, β. Ziegler et al.: Fine-Tuning Language Models from Human Preferences (2019),
 * §2.2.
 * @module
 */
import type { PpoOptions } from './options.ts'

/** How far the error counts, either way. */
const LARGEST_ERROR = 0.2

/**
 * β for the next update: e = clip(KL / target − 1, −.2, .2),  β ← β · (1 + e · n / horizon). Without `adap_kl_ctrl` it stays.
 *
 * @param kl mean divergence of the update's responses, in nats
 * @param responses n, how many there were
 */
export function nextKlCoefficient(
  coefficient: number,
  kl: number,
  responses: number,
  { adap_kl_ctrl, target, horizon }: Pick<PpoOptions, 'adap_kl_ctrl' | 'target' | 'horizon'>,
): number {
  if (!adap_kl_ctrl) return coefficient
  const error = Math.min(Math.max(kl / target - 1, -LARGEST_ERROR), LARGEST_ERROR)
  return coefficient * (1 + (error * responses) / horizon)
}
