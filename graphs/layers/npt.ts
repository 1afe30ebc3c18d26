/**
 * The plastic linear layer of the Neuro-Plastic Transformer (NPT): a frozen weight plus a low-rank update that each token's
 * attention output modulates.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { add, gemm, mul, reduceSum, relu, sqrt, tanh, widened } from '../ops/index.ts'

/** The trained part of a plastic layer. */
export interface PlasticUpdate {
  /** [in, rank] */
  readonly A: Value
  /** [rank, out] */
  readonly B: Value
  /** s, the largest modulation. */
  readonly scale: number
}

/** What a plastic block needs beside the base model's. */
export interface PlasticBlock extends PlasticUpdate {
  /** Modulations [tokens, rank] in place of those of the tokens' own attention: a ΔW that is given, as one that was folded. */
  readonly modulation?: Value
  readonly attentionResidual: boolean
}

/** The plastic part of a block, where it is converted. */
export type PlasticBlocks = (layer: number) => PlasticBlock | undefined

/** A model whose blocks are all as they were. */
export const noPlasticBlocks: PlasticBlocks = () => undefined

/**
 * m = s·tanh(a·A): how strongly each rank-one part acts on a token.
 *
 * @param attended [tokens, in], the token's attention output
 * @returns [tokens, rank]
 */
export const modulation = (attended: Value, { A, scale }: PlasticUpdate): Value =>
  mul(tanh(gemm(attended, A)), scale)

/**
 * y = base + ((u·A)⊙m)·B = u·(W + ΔW) + b with ΔW = A·diag(m)·B, one per token and never formed; base = u·W + b.
 *
 * @param u [tokens, in]
 * @param base [tokens, out]
 * @param m [tokens, rank]; see {@link modulation}
 * @returns [tokens, out]
 */
export const plasticLinear = (u: Value, base: Value, m: Value, { A, B }: PlasticUpdate): Value =>
  gemm(mul(gemm(u, A), m), B, { addend: base })

/**
 * ‖ΔW‖_F of each token, without forming ΔW: ‖A·diag(m)·B‖²_F = Σᵢⱼ mᵢ·mⱼ·(AᵀA)ᵢⱼ·(BBᵀ)ᵢⱼ = mᵀ·(AᵀA ⊙ BBᵀ)·m,
 * which rounding may leave just below zero where the parts cancel.
 *
 * @param modulations m [tokens, rank]
 * @returns [tokens]
 */
export function updateNorms(modulations: Value, update: PlasticUpdate): Value {
  const [m, A, B] = [modulations, update.A, update.B].map(widened) as [Value, Value, Value]
  const gram = mul(gemm(A, A, { transA: true }), gemm(B, B, { transB: true }))
  return sqrt(relu(reduceSum(mul(gemm(m, gram), m), [-1], false)))
}

/** (‖A‖_F + ‖B‖_F)/2, which phase 1 keeps low. Scalar; a tiny constant under the roots keeps the gradient finite at 0. */
export function magnitude({ A, B }: PlasticUpdate): Value {
  const norm = (x: Value) => sqrt(add(reduceSum(mul(x, x), [0, 1], false), 1e-12))
  return mul(add(norm(widened(A)), norm(widened(B))), 0.5)
}
