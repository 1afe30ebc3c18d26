/**
 * What takes a text's m̄ in its place, to tell what of an update is the text's own. All are [plastic blocks, rank].
 * @module
 */
import type { Random } from '../../src/random.ts'

/** A random direction in each block, as long as m̄ is there. */
export function randomLike(modulation: Float32Array, rank: number, random: Random): Float32Array {
  const drawn = modulation.map(() => random.normal())
  for (let start = 0; start < drawn.length; start += rank) {
    const wanted = norm(modulation.subarray(start, start + rank))
    const block = drawn.subarray(start, start + rank)
    const factor = wanted / norm(block)
    block.forEach((value, i) => (block[i] = value * factor))
  }
  return drawn
}

/** The mean of several. */
export function meanOf(modulations: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(modulations[0]!.length)
  for (const modulation of modulations)
    modulation.forEach((value, i) => (mean[i] = mean[i]! + value / modulations.length))
  return mean
}

export const less = (modulation: Float32Array, mean: Float32Array): Float32Array =>
  modulation.map((value, i) => value - mean[i]!)

const norm = (values: Float32Array): number => Math.hypot(...values)
