/**
 * Whether generated texts are nearer to their own references than to those of others: a model that always writes the
 * same plausible sentence has a high cosine with everything, and no difference.
 * @module
 */
import { createRandom } from '../random.ts'
import type { Interval } from './bootstrap.ts'
import { bootstrapInterval } from './bootstrap.ts'
import { cosine } from './cosine.ts'

export interface EmbeddingCosine {
  /** Mean cosine between each generated text and its own reference. */
  readonly generated: number
  /** Mean cosine between each generated text and the reference of another. */
  readonly shuffled: number
  /** The mean of the differences between the two, with its 95 % bootstrap interval. */
  readonly difference: Interval
}

/**
 * Compares the vectors of generated texts with those of their references.
 *
 * @param seed of the pairs and of the bootstrap
 * @throws RangeError where there are fewer than two, or not as many of the one as of the other
 */
export function embeddingCosine(
  generated: readonly Float32Array[],
  references: readonly Float32Array[],
  seed = 0,
): EmbeddingCosine {
  const count = generated.length
  if (count < 2 || references.length !== count)
    throw new RangeError(
      `embedding cosine: needs two texts or more, each with a reference; got ${count} and ${references.length}`,
    )
  const others = derangement(count, seed)
  const own = generated.map((vector, i) => cosine(vector, references[i]!))
  const other = generated.map((vector, i) => cosine(vector, references[others[i]!]!))
  const differences = own.map((value, i) => value - other[i]!)
  return {
    generated: mean(own),
    shuffled: mean(other),
    difference: bootstrapInterval(differences, { seed }),
  }
}

/** A random order of 0 … n − 1, n ≥ 2, in which nothing stays in its place: each moves on by one in a random circle. */
export function derangement(n: number, seed: number): number[] {
  const circle = Array.from({ length: n }, (_, i) => i)
  createRandom(seed, 'derangement').shuffle(circle)
  const moved: number[] = []
  circle.forEach((element, i) => (moved[element] = circle[(i + 1) % n]!))
  return moved
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length
