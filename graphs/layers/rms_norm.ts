/**
 * Root mean square layer normalization. Zhang, Sennrich: Root Mean Square Layer Normalization (2019).
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { add, div, inFloat32, mul, reduceMean, sqrt, sub, sumToShape, widened } from '../ops/index.ts'

/**
 * y = x·r∘(weight + offset) with r = 1/√(mean(x²) + ε), over the last axis. Of 16 bits in float32, forward and back.
 *
 * With g = dy∘(weight + offset): dx = r·g − x·r³·mean(g∘x), dweight = Σ dy∘x·r. Of what is as large as x only x is kept for it.
 *
 * @param weight [size]
 * @param offset 1 where the weight is kept less 1, as Gemma does
 */
export const rmsNorm = inFloat32((x, weight: Value, epsilon: number, offset: 0 | 1 = 0): Value => {
  const factor = offset === 0 ? widened(weight) : add(widened(weight), offset)
  const r = div(1, sqrt(add(reduceMean(mul(x, x), [-1]), epsilon)))
  const y = mul(mul(x, r), factor)
  x.graph.composite({
    name: 'rms_norm',
    inputs: [x, factor],
    outputs: [y],
    gradient: ([dy]) => [
      () => {
        const g = mul(dy!, factor)
        const along = mul(mul(r, mul(r, r)), reduceMean(mul(g, x), [-1]))
        return sub(mul(g, r), mul(x, along))
      },
      () => sumToShape(mul(mul(dy!, x), r), factor),
    ],
  })
  return y
})
