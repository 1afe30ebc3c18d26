/**
 * Half-precision floats, widened to float32, which holds every one of them exactly.
 * Sources: IEEE 754 binary16; bfloat16 is the upper half of a binary32.
 * @module
 */

/** The float32 values of 16-bit floats given by their bits. */
export function widen(bits: Uint16Array, dtype: 'F16' | 'BF16'): Float32Array {
  if (dtype === 'F16') return Float32Array.from(bits, widenHalf)
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
