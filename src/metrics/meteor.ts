/**
 * METEOR of Banerjee and Lavie (2005), in the parametrised form of Lavie and Agarwal (2007), with the 2005 values as
 * defaults. Words are matched in three stages: equal, equal Porter stem, WordNet synonym.
 *
 * Equal to NLTK's meteor_score on the same tokens. So, as there, a word takes the last free partner instead of the one
 * with fewest crossings, and synonyms are looked up for the *stems* of what the second stage left: "dog" meets "hound",
 * but "car" does not meet "automobile", whose stem "automobil" is no word.
 * @module
 */
import { UserError } from '../errors.ts'
import { porterStem } from './porter_stemmer.ts'
import { splitWords } from './words.ts'
import type { Synonyms } from './synonyms.ts'

export interface MeteorOptions {
  /** From `openWordNet()`; without it there is no third stage. */
  readonly synonyms?: Synonyms
  /** Weight of recall in the harmonic mean; default 0.9. */
  readonly alpha?: number
  /** Exponent of the fragmentation; default 3. */
  readonly beta?: number
  /** Largest share that fragmentation takes away; default 0.5. */
  readonly gamma?: number
}

/** METEOR of a text against the best of its references, 0 … 1; 0 when no word matches. Texts are split by `splitWords`. */
export function meteor(
  hypothesis: string,
  references: readonly string[],
  options: MeteorOptions = {},
): number {
  return meteorOfWords(splitWords(hypothesis), references.map(splitWords), options)
}

/** The same for texts that are split into words already; case does not count. */
export function meteorOfWords(
  hypothesis: readonly string[],
  references: readonly (readonly string[])[],
  options: MeteorOptions = {},
): number {
  if (references.length === 0)
    throw new UserError('METEOR: the hypothesis has no reference; give at least one')
  return Math.max(...references.map((reference) => meteorOfPair(hypothesis, reference, options)))
}

function meteorOfPair(
  hypothesis: readonly string[],
  reference: readonly string[],
  { synonyms, alpha = 0.9, beta = 3, gamma = 0.5 }: MeteorOptions,
): number {
  const pairs = align(hypothesis, reference, synonyms)
  if (pairs.length === 0) return 0
  const precision = pairs.length / hypothesis.length
  const recall = pairs.length / reference.length
  // F = P·R / (α·P + (1 − α)·R)
  const mean = (precision * recall) / (alpha * precision + (1 - alpha) * recall)
  // Penalty = γ·(chunks / matches)^β
  const penalty = gamma * (countChunks(pairs) / pairs.length) ** beta
  return (1 - penalty) * mean
}

interface Word {
  readonly position: number
  readonly form: string
}
type Pair = readonly [inHypothesis: number, inReference: number]

/** The matched positions, in the order of the hypothesis. */
function align(hypothesis: readonly string[], reference: readonly string[], synonyms?: Synonyms): Pair[] {
  const number = (words: readonly string[]): Word[] =>
    words.map((word, position) => ({ position, form: word.toLowerCase() }))
  const stem = (words: readonly Word[]): Word[] =>
    words.map(({ position, form }) => ({ position, form: porterStem(form) }))

  const exact = match(number(hypothesis), number(reference), (form) => [form])
  const stems = match(stem(exact.hypothesis), stem(exact.reference), (form) => [form])
  const pairs = [...exact.pairs, ...stems.pairs]
  if (synonyms !== undefined)
    pairs.push(...match(stems.hypothesis, stems.reference, (form) => synonyms.of(form)).pairs)
  return pairs.sort(([a], [b]) => a - b)
}

/**
 * One stage: each word of the hypothesis, from the last to the first, takes the last free word of the reference whose
 * form is among the accepted ones. Returns the pairs, and what is left of both texts.
 */
function match(
  hypothesis: readonly Word[],
  reference: readonly Word[],
  accepted: (form: string) => Iterable<string>,
): { pairs: Pair[]; hypothesis: Word[]; reference: Word[] } {
  const free = new Map<string, Word[]>()
  for (const word of reference) {
    const same = free.get(word.form)
    if (same === undefined) free.set(word.form, [word])
    else same.push(word)
  }
  const pairs: Pair[] = []
  const left: Word[] = []
  const taken = new Set<number>()
  for (const word of hypothesis.toReversed()) {
    let best: Word[] | undefined
    for (const form of accepted(word.form)) {
      const candidates = free.get(form)
      const last = candidates?.at(-1)?.position ?? -1
      if (last > (best?.at(-1)?.position ?? -1)) best = candidates
    }
    const partner = best?.pop()
    if (partner === undefined) left.push(word)
    else {
      pairs.push([word.position, partner.position])
      taken.add(partner.position)
    }
  }
  return {
    pairs,
    hypothesis: left.reverse(),
    reference: reference.filter(({ position }) => !taken.has(position)),
  }
}

/** Runs of pairs that are neighbours in both texts. */
function countChunks(pairs: readonly Pair[]): number {
  const continues = ([a, b]: Pair, before: Pair | undefined) =>
    before !== undefined && a === before[0] + 1 && b === before[1] + 1
  return pairs.filter((pair, i) => !continues(pair, pairs[i - 1])).length
}
