/**
 * Dropout. Srivastava et al.: Dropout: A Simple Way to Prevent Neural Networks from Overfitting (2014), scaled while training.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { mul, where } from '../ops/index.ts'

/**
 * y = x/(1 − p) where it is kept, else 0.
 *
 * @param kept bool, of x's shape
 */
export const dropout = (x: Value, kept: Value, p: number): Value => mul(where(kept, x, 0), 1 / (1 - p))
