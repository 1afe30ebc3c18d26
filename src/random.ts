/**
 * Seeded random numbers, the same on every machine.
 *
 * A stream is named by what it is for, e.g. `createRandom(seed, 'dropout', step)`, so nothing has to be stored to resume:
 * the same name gives the same stream again. The generator is xoshiro128** 1.1 of Blackman and Vigna (2018), period
 * 2^128 − 1; its state comes from a hash of the name, finished with MurmurHash3's 32-bit mix (Appleby).
 * @module
 */

export interface Random {
  /** Uniform in [0, 1), with 53 random bits. */
  readonly uniform: () => number
  /** Standard normal; the last bit may depend on the engine's logarithm and cosine. */
  readonly normal: () => number
  /** Uniform whole number in 0 … n − 1, for 1 ≤ n ≤ 2^32. */
  readonly integer: (n: number) => number
  /** Puts the elements of `array` in random order, in place; every order is equally likely. */
  readonly shuffle: (array: { readonly length: number; [index: number]: unknown }) => void
}

/** What a stream is called: a seed, then purposes and steps. `('a', 1)` and `('a', '1')` are different names. */
export type StreamName = readonly (number | string)[]

/** Opens the stream called `name` at its start. */
export function createRandom(...name: StreamName): Random {
  const next = xoshiro128(hash(name))
  const uniform = () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53
  let spare: number | undefined

  /** Box and Muller (1958): √(−2 ln u)·cos 2πv and √(−2 ln u)·sin 2πv are independent standard normals. */
  function normal(): number {
    if (spare !== undefined) {
      const value = spare
      spare = undefined
      return value
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
    const angle = 2 * Math.PI * uniform()
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }

  /** Rejects the draws above the last multiple of n, which would make small results likelier. */
  function integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32)
      throw new RangeError(`random integer: n must be a whole number from 1 to 2^32, got ${n}`)
    const limit = 2 ** 32 - (2 ** 32 % n)
    let draw = next()
    while (draw >= limit) draw = next()
    return draw % n
  }

  /** Fisher and Yates, from the end. */
  function shuffle(array: { readonly length: number; [index: number]: unknown }): void {
    for (let last = array.length - 1; last > 0; last--) {
      const other = integer(last + 1)
      const value = array[last]
      array[last] = array[other]
      array[other] = value
    }
  }

  return { uniform, normal, integer, shuffle }
}

/** A whole number in 0 … 2^32 − 1 for `name`, to hand on as a seed. */
export function deriveSeed(...name: StreamName): number {
  return hash(name)[0]
}

type State = readonly [number, number, number, number]

/** The 32-bit outputs of xoshiro128** from a state that is not all zero. */
export function xoshiro128(state: State): () => number {
  const s = Int32Array.from(state)
  return () => {
    const second = s[1]!
    const output = Math.imul(rotateLeft(Math.imul(second, 5), 7), 9) >>> 0
    s[2]! ^= s[0]!
    s[3]! ^= second
    s[1]! ^= s[2]!
    s[0]! ^= s[3]!
    s[2]! ^= second << 9
    s[3] = rotateLeft(s[3]!, 11)
    return output
  }
}

/** Four 32-bit hashes of the name, each from its own starting value; never all zero, which would be a fixed point. */
function hash(name: StreamName): State {
  for (const part of name)
    if (typeof part === 'number' && !Number.isFinite(part)) throw new RangeError(`random: bad seed ${part}`)
  const text = JSON.stringify(name)
  const lane = (start: number): number => {
    let h = start
    for (let i = 0; i < text.length; i++) h = rotateLeft(Math.imul(h ^ text.charCodeAt(i), 0xcc9e2d51), 15)
    return mix(h ^ text.length)
  }
  const state: State = [lane(0x243f6a88), lane(0x85a308d3), lane(0x13198a2e), lane(0x03707344)]
  return state.every((word) => word === 0) ? [1, 0, 0, 0] : state
}

/** MurmurHash3's finaliser: every input bit changes each output bit with probability about one half. */
function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
