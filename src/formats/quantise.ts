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
  const scales = new Float32Array(sizeOf(scalesShape(shape, axis)))
  const codes = new Int8Array(data.length)
  // The tensor as rows of `inner` numbers, `extent` of them one after the other along the axis; the scales likewise, a row a block.
  const inner = sizeOf(shape.slice(axis + 1))
  const extent = shape[axis]!
  const blocks = Math.ceil(extent / BLOCK)
  const eachRow = (use: (from: number, scalesFrom: number) => void) => {
    for (let row = 0; row * inner < data.length; row++) {
      const block = Math.floor(row / extent) * blocks + Math.floor((row % extent) / BLOCK)
      use(row * inner, block * inner)
    }
  }
  eachRow((from, at) => {
    for (let i = 0; i < inner; i++) scales[at + i] = Math.max(scales[at + i]!, Math.abs(data[from + i]!))
  })
  for (let at = 0; at < scales.length; at++) scales[at]! /= largest
  eachRow((from, at) => {
    for (let i = 0; i < inner; i++) {
      const scale = scales[at + i]!
      // Where the scale is 0, or too small for float32, so is every value of its block.
      if (scale > 0)
        codes[from + i] = Math.max(-largest, Math.min(largest, Math.round(data[from + i]! / scale)))
    }
  })
  return { codes, scales }
}
