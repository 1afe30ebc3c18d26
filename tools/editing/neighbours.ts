/**
 * Untaught words that are near to a fact's: one in spelling, one in the words of its definition, both of the same part of speech.
 * @module
 */
import { editDistance } from '../../src/nearest.ts'
import type { Fact } from './facts.ts'

export const neighboursAmong = (known: readonly Fact[]): ((fact: Fact) => Fact[]) => {
  const words = new Map(known.map((fact) => [fact, wordsOf(fact)]))
  const rarity = rarityOf([...words.values()], known.length)
  const found = new Map<Fact, Fact[]>()

  /** Σ rarity of the words in common / √(number of words of the other). */
  const likeness = (own: ReadonlySet<string>, other: ReadonlySet<string>): number =>
    [...own].reduce((sum, word) => sum + (other.has(word) ? rarity(word) : 0), 0) / Math.sqrt(other.size)

  return (fact) => {
    const before = found.get(fact)
    if (before) return before
    const others = known.filter(
      ({ word, partOfSpeech }) => partOfSpeech === fact.partOfSpeech && word !== fact.word,
    )
    const own = wordsOf(fact)
    const inSpelling = leastBy(others, ({ word }) => editDistance(word, fact.word))
    const inMeaning = leastBy(
      others.filter((other) => other !== inSpelling),
      (other) => -likeness(own, words.get(other)!),
    )
    const both = [inSpelling, inMeaning].filter((other) => other !== undefined)
    found.set(fact, both)
    return both
  }
}

const wordsOf = ({ definition }: Fact): ReadonlySet<string> => new Set(definition.match(/[a-z]+/g) ?? [''])

/** log(texts / texts with the word); 0 for a word of none. */
function rarityOf(texts: readonly ReadonlySet<string>[], count: number): (word: string) => number {
  const uses = new Map<string, number>()
  for (const words of texts) for (const word of words) uses.set(word, (uses.get(word) ?? 0) + 1)
  return (word) => Math.log(count / (uses.get(word) ?? count))
}

function leastBy<T>(items: readonly T[], cost: (item: T) => number): T | undefined {
  let [best, least] = [undefined as T | undefined, Infinity]
  for (const item of items) {
    const value = cost(item)
    if (value < least) [best, least] = [item, value]
  }
  return best
}
