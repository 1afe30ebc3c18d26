/** @module */
import type { DType } from '../ir/dtype.ts'
import { isFloat, isHalf, onnxDataType } from '../ir/dtype.ts'
import type { Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { emit, number } from './common.ts'

const dtypeOf = (onnx: number): DType =>
  (Object.keys(onnxDataType) as DType[]).find((dtype) => (onnxDataType[dtype] as number) === onnx)!

/** y = x in another dtype. */
export const Cast: Operator = {
  name: 'Cast',
  infer: ({ inputs: [x], attributes }) => [{ dtype: dtypeOf(number(attributes, 'to', 0)), shape: x!.shape }],
  // Between floats the gradient is cast back; a cast from or to whole numbers has none.
  gradient: ({ inputs: [x], outputs: [y] }, [dy]) => [
    isFloat(x!.dtype) && isFloat(y!.dtype) ? () => cast(dy!, x!.dtype) : undefined,
  ],
}

/** `x` in another dtype; `x` itself where it has that dtype already. */
export const cast = (x: Value, dtype: DType): Value =>
  x.dtype === dtype ? x : emit(Cast, [x], { to: onnxDataType[dtype] })

/**
 * `x` of 16 bits in float32; others as they are. A tensor that was rounded as it entered the graph is taken as it was before.
 */
export function widened(x: Value): Value {
  if (!isHalf(x.dtype)) return x
  const before = enteredAs(x)
  return before?.dtype === 'float32' ? before : cast(x, 'float32')
}

/** The float32 input or constant that `x` is a cast of, where it is one. */
export function enteredAs(x: Value): Value | undefined {
  const step = x.graph.producers.get(x)
  const before = step && 'operator' in step && step.operator === Cast ? step.inputs[0]! : undefined
  return before && !x.graph.producers.has(before) && before.dtype === 'float32' ? before : undefined
}

/**
 * A function of tensors whose numbers 16 bits do not bear: those of 16 bits go in as float32, and what comes out has the first
 * one's type again.
 */
export const inFloat32 =
  <Rest extends readonly unknown[]>(f: (x: Value, ...rest: Rest) => Value) =>
  (x: Value, ...rest: Rest): Value =>
    isHalf(x.dtype) ? cast(f(widened(x), ...rest), x.dtype) : f(x, ...rest)
