/**
 * Rotary position embeddings. Su et al.: RoFormer (2021); halves of a head are turned against each other, as transformers stores them.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import { wideType } from '../ir/dtype.ts'
import type { Value } from '../ir/graph.ts'
import { add, cast, concat, gather, inFloat32, mul, neg, split, sub, unsqueeze } from '../ops/index.ts'

/** How the frequencies of a model that was trained on shorter texts are lowered. */
export type RotaryScaling =
  | { readonly rope_type: 'default' }
  /** All by the factor. Chen et al.: Extending Context Window of Large Language Models via Positional Interpolation (2023). */
  | { readonly rope_type: 'linear'; readonly factor: number }
  /** Those of long waves by the factor, those of short ones not, and between the two by part. Llama Team: The Llama 3 Herd of Models (2024). */
  | {
      readonly rope_type: 'llama3'
      readonly factor: number
      readonly low_freq_factor: number
      readonly high_freq_factor: number
      /** Length of the texts that it was trained on. */
      readonly original_max_position_embeddings: number
    }

export type Rotary = RotaryScaling & { readonly rope_theta: number }

/** ωᵢ = θ^(−2i/size), scaled, in radians a position; one for each pair of a head's numbers. */
export function rotaryFrequencies(rotary: Rotary, size: number): number[] {
  const plain = Array.from({ length: size / 2 }, (_, i) => rotary.rope_theta ** ((-2 * i) / size))
  return plain.map((frequency) => scaled(rotary, frequency))
}

function scaled(rotary: Rotary, frequency: number): number {
  if (rotary.rope_type === 'default') return frequency
  if (rotary.rope_type === 'linear') return frequency / rotary.factor
  const { factor, low_freq_factor: low, high_freq_factor: high } = rotary
  /** How many waves the texts of training held. */
  const waves = (rotary.original_max_position_embeddings * frequency) / (2 * Math.PI)
  if (waves > high) return frequency
  if (waves < low) return frequency / factor
  const smooth = (waves - low) / (high - low)
  return ((1 - smooth) * frequency) / factor + smooth * frequency
}

/** The angles that heads are turned by, as [batch, 1, positions, size / 2] each. */
export interface Rotation {
  readonly cos: Value
  readonly sin: Value
}

/** Positions from one row of the coarse tables to the next, and rows of the fine ones. */
const STRIDE = 256

/**
 * cos and sin of position·ω. As no device has the sine of a large float32 to seven digits, both come from tables computed in double
 * precision here; and as tables of every position would be large, from two of them each, by the sums of angles: with
 * position = 256·a + b, cos = cos(256·a·ω)·cos(b·ω) − sin(256·a·ω)·sin(b·ω).
 *
 * @param positions whole numbers as float, [batch, positions]
 * @param context all positions are below
 */
export function rotation(
  positions: Value,
  frequencies: readonly number[],
  context: number,
  dtype: FloatType,
): Rotation {
  const a = cast(mul(positions, 1 / STRIDE), 'int32')
  const b = cast(sub(positions, mul(cast(a, positions.dtype), STRIDE)), 'int32')
  const wide = wideType(dtype)
  const at = (index: Value, f: (angle: number) => number, stride: number, rows: number) => {
    const angles = Array.from({ length: rows }, (_, row) =>
      frequencies.map((frequency) => f(row * stride * frequency)),
    )
    return gather(positions.graph.constant(angles.flat(), wide, [rows, frequencies.length]), index)
  }
  const coarse = (f: (angle: number) => number) => at(a, f, STRIDE, Math.ceil(context / STRIDE))
  const fine = (f: (angle: number) => number) => at(b, f, 1, Math.min(STRIDE, context))
  const [cosA, sinA, cosB, sinB] = [coarse(Math.cos), coarse(Math.sin), fine(Math.cos), fine(Math.sin)]
  const perHead = (x: Value) => unsqueeze(x, 1)
  return {
    cos: perHead(sub(mul(cosA, cosB), mul(sinA, sinB))),
    sin: perHead(add(mul(sinA, cosB), mul(cosA, sinB))),
  }
}

/**
 * y = (x₁·cos − x₂·sin, x₂·cos + x₁·sin), x₁ and x₂ being the halves of x. Its gradient is the turn back. Of 16 bits in float32, forward
 * and back.
 *
 * @param x [batch, heads, positions, size]
 */
export const rotated = inFloat32((x, { cos, sin }: Rotation): Value => {
  const turn = (given: Value, by: Value) => {
    const half = (given.shape[3] as number) / 2
    const [first, second] = split(given, 3, [half, half])
    return concat([sub(mul(first!, cos), mul(second!, by)), add(mul(second!, cos), mul(first!, by))], 3)
  }
  const y = turn(x, sin)
  x.graph.composite({
    name: 'rotary',
    inputs: [x],
    outputs: [y],
    gradient: ([dy]) => [() => turn(dy!, neg(sin))],
  })
  return y
})
