/**
 * Tensors as 16-bit floats in a file: safetensors' names of the types, and an error where a value does not fit.
 * @module
 */
import type { HalfType } from '../../graphs/ir/dtype.ts'
import { narrow as narrowTo, widen as widenFrom } from '../../graphs/ir/half.ts'
import { UserError } from '../errors.ts'

/** safetensors' names of 16-bit floats. */
export const HALVES = { F16: 'float16', BF16: 'bfloat16' } as const satisfies Readonly<
  Record<string, HalfType>
>

/** The float32 values of 16-bit floats given by their bits. */
export const widen = (bits: Uint16Array, dtype: keyof typeof HALVES): Float32Array =>
  widenFrom(bits, HALVES[dtype])

/** The bits of the 16-bit floats nearest to finite float32 values; what is beyond the largest becomes infinite. */
export const narrow = (values: Float32Array, dtype: keyof typeof HALVES): Uint16Array =>
  narrowTo(values, HALVES[dtype])

/** Of each type what options call it, its largest number, and the bits of its exponent, which are all set in an infinity. */
const FACTS = {
  F16: { called: 'float16', largest: '65504', exponent: 0x7c00 },
  BF16: { called: 'bfloat16', largest: '3.39e38', exponent: 0x7f80 },
}

/**
 * As `narrow`, of a tensor's values that are to be kept.
 *
 * @throws UserError naming the tensor, where one of its finite values is beyond the type's largest
 */
export function narrowTensor(name: string, data: Float32Array, dtype: 'F16' | 'BF16'): Uint16Array {
  const bits = narrow(data, dtype)
  const { called, largest, exponent } = FACTS[dtype]
  const beyond = bits.findIndex((b, i) => (b & exponent) === exponent && Number.isFinite(data[i]!))
  if (beyond < 0) return bits
  const fits = dtype === 'F16' ? 'bfloat16 or float32' : 'float32'
  throw new UserError(
    `the tensor ${name} has the value ${data[beyond]!}, which is beyond the largest of ${called}, ${largest}; save it as ${fits}`,
  )
}
