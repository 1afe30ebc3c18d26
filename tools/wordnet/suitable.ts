/**
 * Which synsets are fit to be shipped and learned from: no slurs, no obscenities, no named individuals.
 * @module
 */
import type { Synset } from './database.ts'

/** Lemmas of usage-domain synsets whose members are left out. */
const USAGE = ['ethnic slur', 'disparagement', 'obscenity']

const WORDS =
  /\b(slurs?|obscen\w*|vulgar\w*|derogatory|disparaging|pejorative|negro\w*|whites?|blacks? (person|people|man|woman)|offensive (terms?|names?|words?)|sexual\w*|sex|genital\w*|prostitut\w*|brothel|whores?|rap(e|ist|ing)|copulat\w*|intercourse|penis|vagina\w*|anus|masturbat\w*|semen|eroti\w*|incest\w*|nud(e|ity)|feces|faeces|excrement|urinat\w*|homosexual\w*|nazis?|fuck\w*|\w*shit|bitch\w*|cunts?|slut\w*|niggard\w*)\b/i

/** A test for the synsets to keep, given all of them (usage domains are synsets themselves). */
export function suitability(synsets: readonly Synset[]): (synset: Synset) => boolean {
  const barred = new Set(
    synsets.filter((synset) => USAGE.some((name) => synset.lemmas.includes(name))).map(({ id }) => id),
  )
  return (synset) =>
    synset.definition !== '' &&
    !synset.isInstance &&
    !synset.usage.some((id) => barred.has(id)) &&
    !WORDS.test(synset.definition) &&
    !synset.lemmas.some((lemma) => WORDS.test(lemma))
}

/** Whether an example may be shown. */
export const isSuitableText = (text: string): boolean => !WORDS.test(text)

/** The synset's examples that use the lemma, inflected forms included; all of them when it is the only lemma. */
export function examplesOf(synset: Synset, lemma: string): string[] {
  const stem = lemma.toLowerCase().slice(0, Math.max(3, lemma.length - 2))
  const pattern = new RegExp(`\\b${stem.replace(/[^a-z0-9 ]/g, '.')}`, 'i')
  return synset.examples.filter(
    (example) => isSuitableText(example) && (synset.lemmas.length === 1 || pattern.test(example)),
  )
}
