/**
 * Random numbers within a graph, the same on every device and at every try: a hash of whole numbers mod 2³².
 *
 * Each token of a batch has a random odd number a, its key, which the graph is fed. Where noise is wanted, a place of its own, with
 * constants b (odd) and c (even) for each column, makes of it
 *
 *     z = y², y = a·b + c   mod 2³²
 *
 * y is odd and as uniform as a; odd squares take each of the 2²⁹ values ≡ 1 mod 8 equally often, so that z/2³² is uniform in steps of
 * 2⁻²⁹. The square parts what a·b + c has in common where two b do. Products of int32 wrap alike on processors and on GPUs.
 * @module
 */
import type { DType } from '../ir/dtype.ts'
import type { Value } from '../ir/graph.ts'
import { add, cast, greaterOrEqual, mul, reshape, unsqueeze } from '../ops/index.ts'

/** Where noise is drawn; each place has a number of its own within a graph. */
export type Place = number

const odd = (n: number): number => n | 1
const even = (n: number): number => n & ~1

/** So many numbers of 32 bits that belong to a place; `use` tells those of one place apart. MurmurHash3's mix (Appleby). */
function constants(place: Place, use: number, count: number): number[] {
  const mixed = (n: number): number => {
    const first = Math.imul(n ^ (n >>> 16), 0x85ebca6b)
    const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35)
    return second ^ (second >>> 16)
  }
  const start = mixed(0x9e3779b9 * (place + 1) + use)
  return Array.from({ length: count }, (_, i) => mixed(start + Math.imul(i, 0x6c8e9cf5)))
}

const square = (y: Value): Value => mul(y, y)

/**
 * A number for each column of each row.
 *
 * @param keys int32 [rows, 1], odd
 * @returns z, int32 [rows, columns]
 */
export function rowNoise(keys: Value, place: Place, columns: number): Value {
  const column = (values: number[]) => keys.graph.constant(values, 'int32', [columns])
  const b = column(constants(place, 0, columns).map(odd))
  const c = column(constants(place, 1, columns).map(even))
  return square(add(mul(keys, b), c))
}

/**
 * A number for each query and key of each head: of A, made of the query's key, and B and C, made of the key's, z = (A·B + C)².
 *
 * @param keys int32 [batch, sequence], odd
 * @returns z, int32 [batch, heads, sequence, sequence]
 */
export function attentionNoise(keys: Value, place: Place, heads: number): Value {
  /** [batch, heads, sequence] */
  const perHead = (use: number, factor: (n: number) => number) => {
    const of = (part: number, form: (n: number) => number) =>
      keys.graph.constant(constants(place, 2 * use + part, heads).map(form), 'int32', [heads, 1])
    return add(mul(unsqueeze(keys, 1), of(0, factor)), of(1, even))
  }
  const [a, b, c] = [perHead(0, odd), perHead(1, odd), perHead(2, even)]
  return square(add(mul(unsqueeze(a, 3), unsqueeze(b, 2)), unsqueeze(c, 2)))
}

/** Whether numbers are among the 1 − p that stay: z/2³² ≥ p − ½. */
export const kept = (z: Value, p: number): Value =>
  greaterOrEqual(z, Math.min(2 ** 31 - 1, Math.round((p - 0.5) * 2 ** 32)))

/** z as a number of −1 … 1. */
export const uniform = (z: Value, dtype: DType): Value => mul(cast(z, dtype), 2 ** -31)

/** [batch, sequence] as [batch*sequence, 1] */
export const perToken = (keys: Value): Value => reshape(keys, [keys.shape.join('*'), 1])
