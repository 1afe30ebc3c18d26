/**
 * The learning rate of a run that names none.
 *
 * Adam's best rate of a matrix falls as 1/width (Yang et al.: Tensor Programs V, 2022), and that of adapters is some ten to twenty
 * times the rate of the matrices below them (Schulman et al.: LoRA Without Regret, 2025). The rates here are for a width of 768,
 * GPT-2's and BERT's smallest published one; docs/learning_rate.md has the measurements.
 * @module
 */

/** What of a model learns. */
export type Method = 'adapters' | 'full' | 'head' | 'blocks'

export const METHODS: Readonly<Record<Method, { readonly rate: number; readonly noun: string }>> = {
  adapters: { rate: 4e-4, noun: 'adapters' },
  full: { rate: 2.5e-5, noun: 'all parameters' },
  head: { rate: 1e-3, noun: 'a head alone' },
  blocks: { rate: 4e-4, noun: 'plastic blocks' },
}

const WIDTH = 768

/** The least width that was measured; a narrower model has the rate of this one. */
export const LEAST_WIDTH = 192

/** What learns, where adapters, all parameters or nothing of the model itself do, and plastic blocks beside it or none. */
export const methodOf = (lora: object | 'full' | 'none', npt: object | null): Method =>
  npt ? 'blocks' : lora === 'full' ? 'full' : lora === 'none' ? 'head' : 'adapters'

/**
 * rate·factor·768 / width, to two digits.
 *
 * @param width of the model's hidden states
 * @param factor of the task, beside the rate at which a model learns texts
 */
export const defaultLearningRate = (method: Method, width: number, factor = 1): number =>
  Number(((METHODS[method].rate * factor * WIDTH) / Math.max(width, LEAST_WIDTH)).toPrecision(2))
