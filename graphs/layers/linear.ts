/** @module */
import type { Value } from '../ir/graph.ts'
import { gemm } from '../ops/index.ts'

/** How a weight is stored: `in_out` as GPT-2's Conv1D has it, `out_in` as PyTorch's Linear. */
export type WeightLayout = 'in_out' | 'out_in'

/**
 * y = x·W + b: x [rows, in], W [in, out] or, stored the other way, [out, in], b [out] → [rows, out].
 *
 * @param bias undefined: y = x·W
 */
export const linear = (
  x: Value,
  weight: Value,
  bias: Value | undefined,
  layout: WeightLayout = 'in_out',
): Value => gemm(x, weight, { ...(bias ? { addend: bias } : {}), transB: layout === 'out_in' })
