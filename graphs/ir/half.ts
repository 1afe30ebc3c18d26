/**
 * Half-precision floats: widened to float32, which holds every one of them exactly, and rounded from it, to the nearest and of two
 * equally near ones to the even one.
 * Sources: IEEE 754 binary16; bfloat16 is the upper half of a binary32.
 * @module
 */
import type { HalfType } from './dtype.ts'
/** The float32 values of 16-bit floats given by their bits. */
export function widen(bits: Uint16Array, dtype: HalfType): Float32Array {
  if (dtype === 'float16') return Float32Array.from(bits, widenHalf)
  const words = new Uint32Array(bits.length)
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16
  return new Float32Array(words.buffer)
}

/** sign (1 bit), exponent e (5), fraction f (10): ±2^(e−15)·(1 + f/1024), and ±2^−14·f/1024 where e = 0. */
function widenHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >>> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  if (exponent === 0) return sign * 2 ** -24 * fraction
  return sign * 2 ** (exponent - 25) * (1024 + fraction)
}

/** The bits of the 16-bit floats nearest to finite float32 values; what is beyond the largest becomes infinite. */
export function narrow(values: Float32Array, dtype: HalfType): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  return Uint16Array.from(bits, dtype === 'bfloat16' ? narrowBrain : narrowHalf)
}

/** The upper half, one more where the lower half is above its middle, or at it and the upper one odd. */
const narrowBrain = (bits: number): number => (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16

/** float32: exponent e (8), fraction (23). A half's unit in the last place is 2^(max(e − 127, −14) − 10). */
function narrowHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const exponent = (bits >>> 23) & 0xff
  const magnitude = Math.abs(float(bits))
  // 65520 and above are nearer to 2^16, which a half does not have.
  if (magnitude >= 65520) return sign | 0x7c00
  const power = Math.max(exponent - 127, -14)
  // A count of units: of a normal number 1024 … 2048, where 2048 carries into the exponent; of a subnormal one below.
  const units = roundToEven(magnitude / 2 ** (power - 10))
  return sign | (units < 1024 ? units : ((power + 14) << 10) + units)
}

const roundToEven = (x: number): number => {
  const below = Math.floor(x)
  const above = x - below
  return above > 0.5 || (above === 0.5 && below % 2 === 1) ? below + 1 : below
}

const word = new Uint32Array(1)
const number = new Float32Array(word.buffer)
const float = (bits: number): number => {
  word[0] = bits
  return number[0]!
}
