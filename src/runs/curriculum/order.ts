/** @module */
import { createRandom } from '../../random.ts'
import type { CurriculumOptions } from './options.ts'

/** The names of the stages in the order in which they are gone through. */
export function orderOf(
  names: readonly string[],
  order: CurriculumOptions['order'],
  seed: number,
): readonly string[] {
  if (order === 'given') return names
  if (order === 'reversed') return [...names].reverse()
  const drawn = Uint32Array.from(names, (_, i) => i)
  createRandom(seed, 'order of stages').shuffle(drawn)
  return Array.from(drawn, (i) => names[i]!)
}
