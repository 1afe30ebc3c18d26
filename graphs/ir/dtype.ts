/**
 * Element types of tensors, as ortune names them and as ONNX numbers them.
 * @module
 */
import { TensorProto_DataType } from './onnx_pb.ts'

export type DType = 'float32' | 'float64' | 'int64' | 'int32' | 'bool'

/** The float types a graph can be built in: float32 to train, float64 to check gradients. */
export type FloatType = 'float32' | 'float64'

export const onnxDataType: Readonly<Record<DType, TensorProto_DataType>> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  int64: TensorProto_DataType.INT64,
  int32: TensorProto_DataType.INT32,
  bool: TensorProto_DataType.BOOL,
}

export const isFloat = (dtype: DType): dtype is FloatType => dtype === 'float32' || dtype === 'float64'

/** Encodes numbers as the little-endian bytes ONNX stores for `dtype`. */
export function encodeNumbers(values: readonly number[], dtype: DType): Uint8Array {
  switch (dtype) {
    case 'float32':
      return new Uint8Array(Float32Array.from(values).buffer)
    case 'float64':
      return new Uint8Array(Float64Array.from(values).buffer)
    case 'int64':
      return new Uint8Array(BigInt64Array.from(values, (value) => BigInt(value)).buffer)
    case 'int32':
      return new Uint8Array(Int32Array.from(values).buffer)
    case 'bool':
      return Uint8Array.from(values, (value) => (value === 0 ? 0 : 1))
  }
}
