/**
 * Damage to files, all of it drawn from a seeded stream: a mutant is known by its target, seed and number.
 * @module
 */
import type { Random } from '../../src/random.ts'
import { createRandom } from '../../src/random.ts'
import { damageBytes } from './mutate_bytes.ts'
import { damageText } from './mutate_text.ts'
import { damageValue, print } from './mutate_value.ts'
import type { Target } from './target.ts'

/** Most rounds of damage to one file. */
const ROUNDS = 4

/** The mutant of this name. */
export function mutant(
  { structure, text = false }: Target,
  samples: readonly Uint8Array[],
  ...name: readonly (number | string)[]
): Uint8Array {
  const random = createRandom(...name)
  const sample = samples[random.integer(samples.length)]!
  if (structure && random.integer(3) > 0) {
    let value = structure.open(sample)
    for (let left = rounds(random); left > 0; left--) value = damageValue(value, random)
    const file = structure.close(value, (inner) => print(inner, random), sample)
    return random.integer(4) > 0 ? file : damage(file, text, random)
  }
  let file = sample
  for (let left = rounds(random); left > 0; left--) file = damage(file, text, random)
  return file
}

const damage = (file: Uint8Array, text: boolean, random: Random): Uint8Array =>
  text && random.integer(2) > 0 ? damageText(file, random) : damageBytes(file, random)

/** One round mostly, seldom more. */
function rounds(random: Random): number {
  let count = 1
  while (count < ROUNDS && random.integer(3) === 0) count++
  return count
}
