/**
 * Element types of tensors, as ortune names them and as ONNX numbers them.
 * @module
 */
import { narrow } from './half.ts'
import type { TensorProto_DataType } from './onnx_pb.ts'

/** `int4` and `int8` are stored weights' alone; of `int4` there are two numbers a byte, which no host array holds. */
export type DType = FloatType | 'int64' | 'int32' | 'bool' | 'int8' | 'int4'

/** Element types that arrays of a host hold. */
export type HostType = Exclude<DType, 'int4' | 'int8'>

/** Floats of 16 bits. */
export type HalfType = 'float16' | 'bfloat16'

/** The float types a graph can compute in: float32 or 16 bits to train, float64 to check gradients. */
export type FloatType = 'float32' | 'float64' | HalfType

/** The numbers of `onnx.proto`, written out: its generated code brings all of Protocol Buffers along. */
export const onnxDataType: Readonly<Record<DType, TensorProto_DataType>> = {
  float32: 1,
  float64: 11,
  float16: 10,
  bfloat16: 16,
  int64: 7,
  int32: 6,
  bool: 9,
  int8: 3,
  int4: 22,
}

export const isHalf = (dtype: DType): dtype is HalfType => dtype === 'float16' || dtype === 'bfloat16'

export const isFloat = (dtype: DType): dtype is FloatType =>
  dtype === 'float32' || dtype === 'float64' || isHalf(dtype)

/**
 * The type that a graph of `dtype` keeps what does not bear 16 bits in: what it is fed and gives out, trained tensors, norms, sums,
 * softmax and losses.
 */
export const wideType = (dtype: FloatType): 'float32' | 'float64' => (isHalf(dtype) ? 'float32' : dtype)

/** Encodes numbers as the little-endian bytes ONNX stores for `dtype`. */
export function encodeNumbers(values: readonly number[], dtype: DType): Uint8Array {
  switch (dtype) {
    case 'float32':
      return new Uint8Array(Float32Array.from(values).buffer)
    case 'float64':
      return new Uint8Array(Float64Array.from(values).buffer)
    case 'float16':
    case 'bfloat16':
      return new Uint8Array(narrow(Float32Array.from(values), dtype).buffer)
    case 'int64':
      return new Uint8Array(BigInt64Array.from(values, (value) => BigInt(value)).buffer)
    case 'int32':
      return new Uint8Array(Int32Array.from(values).buffer)
    case 'bool':
      return Uint8Array.from(values, (value) => (value === 0 ? 0 : 1))
    case 'int8':
      return new Uint8Array(Int8Array.from(values).buffer)
    case 'int4':
      return packInt4(values)
  }
}

/** Numbers −8 … 7 as two's complement of four bits, the first of two in the lower half of their byte. */
export function packInt4(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.length / 2))
  for (let i = 0; i < values.length; i++) bytes[i >> 1]! |= (values[i]! & 0xf) << (4 * (i & 1))
  return bytes
}
