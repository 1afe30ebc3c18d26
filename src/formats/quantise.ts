/**
 * Weights as whole numbers of few bits, block by block: w ≈ q·s with |q| ≤ 2^(bits−1) − 1 and s = max |w| / (2^(bits−1) − 1) of the
 * block, so that no value is off by more than s/2. Symmetric, as DequantizeLinear has it without a zero point; the scales are float32,
 * in which the product is then exact but for one rounding.
 * Dettmers et al.: 8-bit Optimizers via Block-wise Quantization (2021), and QLoRA (2023), which freezes such weights below adapters.
 * @module
 */
import { sizeOf } from '../../graphs/ir/shape.ts'

/** Numbers that share a scale. */
export const BLOCK = 32

export interface Quantised {
  /** q, row-major in the tensor's shape. */
  readonly codes: Int8Array
  readonly scales: Float32Array
}

/** The shape of the scales: ⌈extent / {@link BLOCK}⌉ along the axis. */
export const scalesShape = (shape: readonly number[], axis: number): number[] =>
  shape.with(axis, Math.ceil(shape[axis]! / BLOCK))

/**
 * @param data row-major in `shape`, finite
 * @param axis the one that blocks lie along; the last block may be shorter
 */
export function quantise(data: Float32Array, shape: readonly number[], axis: number, bits: 4 | 8): Quantised {
  const largest = 2 ** (bits - 1) - 1
  const extent = shape[axis]!
  // The tensor as [outer, extent, inner], and its scales as [outer, blocks, inner].
  const inner = sizeOf(shape.slice(axis + 1))
  const blocks = Math.ceil(extent / BLOCK)
  const scales = new Float32Array(sizeOf(scalesShape(shape, axis)))
  const scaleAt = (i: number): number => {
    const [column, row] = [i % inner, Math.floor(i / inner)]
    const [along, outer] = [row % extent, Math.floor(row / extent)]
    return (outer * blocks + Math.floor(along / BLOCK)) * inner + column
  }
  for (let i = 0; i < data.length; i++) {
    const at = scaleAt(i)
    scales[at] = Math.max(scales[at]!, Math.abs(data[i]!))
  }
  for (let at = 0; at < scales.length; at++) scales[at]! /= largest
  // Where the scale is 0, or too small for float32, so is every value of its block.
  const code = (value: number, scale: number): number =>
    scale === 0 ? 0 : Math.max(-largest, Math.min(largest, Math.round(value / scale)))
  return { codes: Int8Array.from(data, (value, i) => code(value, scales[scaleAt(i)]!)), scales }
}
