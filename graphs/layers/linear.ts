/** @module */
import type { Value } from '../ir/graph.ts'
import { gemm } from '../ops/gemm.ts'

/** y = x·W + b, with GPT-2's Conv1D layout: x [rows, in], W [in, out], b [out] → [rows, out]. */
export const linear = (x: Value, weight: Value, bias: Value): Value => gemm(x, weight, { addend: bias })
