/** @module */
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { broadcastShapes, formatShape, sameShape } from '../ir/shape.ts'
import { sumToShape } from './broadcast.ts'
import { emit, number } from './common.ts'

/** Y = A′·B′ + C, where A′ is A or Aᵀ and B′ is B or Bᵀ. */
export const Gemm: Operator = {
  name: 'Gemm',
  infer: ({ inputs, attributes, fail }) => {
    const [a, b, c] = inputs as [Value, Value, Value | undefined]
    if (a.shape.length !== 2 || b.shape.length !== 2) {
      fail(`takes matrices, got ${formatShape(a.shape)} and ${formatShape(b.shape)}`)
    }
    const [n, k] = number(attributes, 'transA', 0) ? a.shape.toReversed() : a.shape
    const [k2, m] = number(attributes, 'transB', 0) ? b.shape.toReversed() : b.shape
    if (k !== k2) fail(`${formatShape(a.shape)} and ${formatShape(b.shape)} do not multiply`)
    const shape = [n!, m!]
    if (c && !sameShape(broadcastShapes(c.shape, shape) ?? [], shape)) {
      fail(`the addend ${formatShape(c.shape)} does not broadcast to ${formatShape(shape)}`)
    }
    if (inputs.some((input) => input.dtype !== a.dtype)) fail('dtypes differ')
    return [{ dtype: a.dtype, shape }]
  },
  // Y = A·B:   dA = dY·Bᵀ    dB = Aᵀ·dY        Y = Aᵀ·B:  dA = B·dYᵀ    dB = A·dY
  // Y = A·Bᵀ:  dA = dY·B     dB = dYᵀ·A        Y = Aᵀ·Bᵀ: dA = Bᵀ·dYᵀ   dB = dYᵀ·Aᵀ
  gradient: ({ inputs: [a, b, c], attributes }, [dy]) => {
    const transA = number(attributes, 'transA', 0) === 1
    const transB = number(attributes, 'transB', 0) === 1
    return [
      () => (transA ? gemm(b!, dy!, { transA: transB, transB: true }) : gemm(dy!, b!, { transB: !transB })),
      () => (transB ? gemm(dy!, a!, { transA: true, transB: transA }) : gemm(a!, dy!, { transA: !transA })),
      c && (() => sumToShape(dy!, c)),
    ]
  },
}

export interface GemmOptions {
  readonly transA?: boolean
  readonly transB?: boolean
  /** Added to the product; broadcasts to [n, m]. */
  readonly addend?: Value
}

/** Y = A·B (+ addend): [n, k]·[k, m] → [n, m], with either matrix transposed first where asked. */
export const gemm = (a: Value, b: Value, { transA, transB, addend }: GemmOptions = {}): Value =>
  emit(Gemm, addend ? [a, b, addend] : [a, b], {
    ...(transA ? { transA: 1 } : {}),
    ...(transB ? { transB: 1 } : {}),
  })
