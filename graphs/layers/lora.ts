/**
 * Low-rank adapters. Hu et al.: LoRA: Low-Rank Adaptation of Large Language Models (2021).
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { gemm, mul, swapLast } from '../ops/index.ts'

/** One adapter, in PEFT's layout: A [rank, in], B [out, rank]. */
export interface LoraAdapter {
  readonly A: Value
  readonly B: Value
  /** Scalar, alpha/rank when the adapter acts; 0 gives the frozen model. */
  readonly scale: Value
  /** In training: drops features of what goes in. */
  readonly drop?: ((x: Value) => Value) | undefined
}

/**
 * y = base + scale·(x·Aᵀ)·Bᵀ, where base = x·W + b: x [rows, in], base [rows, out] → [rows, out]. With dropout, of x in the second term alone, as PEFT has it.
 *
 * B is transposed first: its gradient is then the wide product (x·Aᵀ)ᵀ·dy, where dyᵀ·(x·Aᵀ) would have a handful of columns.
 */
export const lora = (x: Value, base: Value, { A, B, scale, drop = (x) => x }: LoraAdapter): Value =>
  gemm(mul(gemm(drop(x), A, { transB: true }), scale), swapLast(B), { addend: base })
