/** @module */
import type { DType } from '../ir/dtype.ts'
import { isFloat, onnxDataType } from '../ir/dtype.ts'
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
  gradient: ({ inputs: [x] }, [dy]) => [
    isFloat(x!.dtype) && isFloat(dy!.dtype) ? () => cast(dy!, x!.dtype) : undefined,
  ],
}

/** `x` in another dtype; `x` itself where it has that dtype already. */
export const cast = (x: Value, dtype: DType): Value =>
  x.dtype === dtype ? x : emit(Cast, [x], { to: onnxDataType[dtype] })
