/** @module */
import { createRandom } from '../random.ts'
import type { HostTensor } from '../runtime/session.ts'

export interface Dropout {
  /** Probability of dropping a pooled feature while training. */
  readonly dropout: number
  /** Width of the pooled vector. */
  readonly width: number
  readonly seed: number
}

/**
 * float32 [rows, width]: 0 with probability p, else 1/(1 − p) (Srivastava et al.: Dropout, 2014, scaled while training). Each
 * row of each step draws its own from the seed, so that neither micro-batches nor a resumed run change it.
 *
 * @param first number of the first row within the step
 */
export function dropoutMask(
  rows: number,
  { dropout, width, seed }: Dropout,
  step: number,
  first: number,
): HostTensor {
  const data = new Float32Array(rows * width)
  for (let row = 0; row < rows; row++) {
    const random = createRandom(seed, 'dropout', step, first + row)
    for (let i = 0; i < width; i++) data[row * width + i] = random.uniform() < dropout ? 0 : 1 / (1 - dropout)
  }
  return { dtype: 'float32', dims: [rows, width], data }
}
