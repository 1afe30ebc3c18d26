/**
 * Right definitions made wrong, as language models make them: broken off, or caught in a loop.
 * @module
 */
import { draw } from './draw.ts'

/** Words that no definition ends with. */
const UNFINISHED = new Set(
  'a an the of in on at by for from with without to into or and that which who whose is are as than usually'.split(
    ' ',
  ),
)

/** The definition up to a word that cannot be its last; undefined where it has none. */
export function truncate(definition: string): string | undefined {
  const words = definition.split(' ')
  const ends = words.flatMap((word, i) =>
    i > 0 && i < words.length - 1 && UNFINISHED.has(word) ? [i + 1] : [],
  )
  return ends.length === 0 ? undefined : words.slice(0, ends[draw(ends.length, 'end', definition)]).join(' ')
}

/** The definition up to some word, and the phrase before it two to five times more; undefined where it is too short. */
export function repeat(definition: string): string | undefined {
  const words = definition.split(' ')
  if (words.length < 4) return undefined
  const phrase = 1 + draw(4, 'phrase', definition)
  const end = Math.min(words.length, phrase + draw(words.length - phrase, 'until', definition))
  const times = 2 + draw(4, 'times', definition)
  const repeated = Array.from({ length: times }, () => words.slice(end - phrase, end))
  return [words.slice(0, end), ...repeated].flat().join(' ')
}
