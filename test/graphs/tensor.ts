/**
 * Tensors as plain arrays of numbers: what the references of the operator tests compute with.
 * @module
 */
import type { HostType } from '../../graphs/ir/dtype.ts'
import { sizeOf } from '../../graphs/ir/shape.ts'
import { createRandom } from '../../src/random.ts'
import type { HostTensor } from '../../src/runtime/session.ts'
import { dataConstructor } from '../../src/runtime/session.ts'

/** Row-major. */
export interface Tensor {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

/** The tensor whose element at each index is `at(index)`. */
export function tensor(shape: readonly number[], at: (index: readonly number[]) => number): Tensor {
  const data = Array.from({ length: sizeOf(shape) }, (_, flat) => {
    const index: number[] = []
    let left = flat
    for (const dim of shape.toReversed()) {
      index.unshift(left % dim)
      left = Math.floor(left / dim)
    }
    return at(index)
  })
  return { shape, data }
}

/** The element at an index of a tensor that `x` broadcasts to: leading axes are dropped, axes of size 1 stay at 0. */
export function read(x: Tensor, index: readonly number[]): number {
  const own = index.slice(index.length - x.shape.length)
  return x.data[own.reduce((flat, at, axis) => flat * x.shape[axis]! + (x.shape[axis] === 1 ? 0 : at), 0)]!
}

/** Applies `f` to the elements of tensors that broadcast to one shape. */
export function elementwise(f: (...elements: number[]) => number, ...tensors: readonly Tensor[]): Tensor {
  const rank = Math.max(...tensors.map(({ shape }) => shape.length))
  const shape = Array.from({ length: rank }, (_, axis) =>
    Math.max(...tensors.map((x) => x.shape[axis - rank + x.shape.length] ?? 1)),
  )
  return tensor(shape, (index) => f(...tensors.map((x) => read(x, index))))
}

/** Uniform in [low, high), the same for the same name. */
export function random(name: string, shape: readonly number[], low = -2, high = 2): Tensor {
  const { uniform } = createRandom('test tensor', name)
  return tensor(shape, () => low + (high - low) * uniform())
}

export const constant = (shape: readonly number[], data: readonly number[]): Tensor => ({ shape, data })

export function toHost({ shape, data }: Tensor, dtype: HostType): HostTensor {
  const numbers = dataConstructor[dtype] as Float64ArrayConstructor
  return {
    dtype,
    dims: shape,
    data: dtype === 'int64' ? BigInt64Array.from(data, BigInt) : numbers.from(data),
  }
}

export const fromHost = ({ dims, data }: HostTensor): Tensor => ({
  shape: dims,
  data: Array.from(data as ArrayLike<number | bigint>, Number),
})
