/**
 * How far an adapter is from nothing.
 * @module
 */
import type { AdapterTensors } from '../../src/runs/lessons/learner.ts'

/**
 * ‖ΔW‖_F of all adapted matrices together, ΔW = scale·B·A:
 *
 *     ‖B·A‖² = tr(BᵀB·AAᵀ),   both r × r
 */
export function distance(tensors: AdapterTensors, scale: number): number {
  let squares = 0
  for (const [name, a] of tensors) {
    if (!name.endsWith('.lora_A.weight')) continue
    const b = tensors.get(name.replace('lora_A', 'lora_B'))!
    const [rank, inner] = a.shape as [number, number]
    const outer = b.shape[0]!
    const AAt = gram(rank, inner, (i, k) => a.data[i * inner + k]!)
    const BtB = gram(rank, outer, (i, k) => b.data[k * rank + i]!)
    squares += AAt.reduce((sum, value, i) => sum + value * BtB[i]!, 0)
  }
  return scale * Math.sqrt(Math.max(squares, 0))
}

/** Rows' inner products, [rank, rank]. */
function gram(rank: number, length: number, at: (row: number, k: number) => number): Float64Array {
  const products = new Float64Array(rank * rank)
  for (let i = 0; i < rank; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0
      for (let k = 0; k < length; k++) sum += at(i, k) * at(j, k)
      products[i * rank + j] = products[j * rank + i] = sum
    }
  return products
}
