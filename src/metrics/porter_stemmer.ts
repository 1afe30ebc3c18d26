/**
 * Porter's stemmer: "An algorithm for suffix stripping" (Program 14, 1980), with the changes that NLTK's PorterStemmer
 * makes by default (its mode NLTK_EXTENSIONS), as METEOR and ROUGE implementations use it. Comments marked "NLTK" name
 * the changes. Letters outside a–z count as consonants.
 * @module
 */

/** Replaces the ending if the condition holds for what is before it. */
type Rule = readonly [ending: string, replacement: string, holds: (stem: string) => boolean]

const VOWELS = 'aeiou'
const always = () => true

/** For each letter whether it is a consonant: not a, e, i, o, u, and not a y that follows a consonant. */
function consonants(letters: readonly string[]): boolean[] {
  const flags: boolean[] = []
  for (const letter of letters) flags.push(letter === 'y' ? !flags.at(-1) : !VOWELS.includes(letter))
  return flags
}

/** m, the number of times that a vowel is followed by a consonant: word = [C](VC)ᵐ[V]. */
function measure(word: string): number {
  const flags = consonants([...word])
  return flags.filter((consonant, i) => i > 0 && consonant && !flags[i - 1]).length
}

const hasMeasure = (stem: string) => measure(stem) > 0
const hasLargeMeasure = (stem: string) => measure(stem) > 1
const hasVowel = (stem: string) => consonants([...stem]).includes(false)

/** The paper's *d: ends with the same consonant twice. */
function endsDouble(word: string): boolean {
  const letters = [...word]
  return letters.length > 1 && letters.at(-1) === letters.at(-2) && consonants(letters).at(-1)!
}

/** The paper's *o: ends consonant, vowel, consonant, the last not w, x or y. NLTK: or is one vowel and one consonant. */
function endsShort(word: string): boolean {
  const flags = consonants([...word])
  if (flags.length < 2 || !flags.at(-1) || flags.at(-2)) return false
  return flags.length === 2 || (flags.at(-3)! && !/[wxy]$/.test(word))
}

/** Only the first rule whose ending fits has its chance, whether its condition holds or not. */
function applyFirst(word: string, rules: readonly Rule[]): string {
  for (const [ending, replacement, holds] of rules) {
    if (!word.endsWith(ending)) continue
    const stem = word.slice(0, word.length - ending.length)
    return holds(stem) ? stem + replacement : word
  }
  return word
}

/** "ending>replacement", separated by spaces. */
const parseRules = (text: string, holds: Rule[2]): Rule[] =>
  text.split(' ').map((rule) => {
    const [ending, replacement] = rule.split('>')
    return [ending!, replacement!, holds]
  })

const STEP_1A = parseRules('sses>ss ies>i ss>ss s>', always)
const STEP_1B = parseRules('at>ate bl>ble iz>ize', always)
const STEP_2: readonly Rule[] = [
  ...parseRules(
    'ational>ate tional>tion enci>ence anci>ance izer>ize bli>ble alli>al entli>ent eli>e ousli>ous ization>ize ' +
      'ation>ate ator>ate alism>al iveness>ive fulness>ful ousness>ous aliti>al iviti>ive biliti>ble fulli>ful',
    hasMeasure,
  ),
  // NLTK: the l counts with the stem, so that "theology" and "theological" meet.
  ['logi', 'log', (stem) => hasMeasure(stem + 'l')],
]
const STEP_3 = parseRules('icate>ic ative> alize>al iciti>ic ical>ic ful> ness>', hasMeasure)
const STEP_4: readonly Rule[] = [
  ...parseRules('al> ance> ence> er> ic> able> ible> ant> ement> ment> ent>', hasLargeMeasure),
  ['ion', '', (stem) => hasLargeMeasure(stem) && /[st]$/.test(stem)],
  ...parseRules('ou> ism> ate> iti> ous> ive> ize>', hasLargeMeasure),
]

/** NLTK: words that the rules get wrong, with their stems. */
const IRREGULAR = new Map(
  Object.entries({
    sky: 'sky',
    skies: 'sky',
    dying: 'die',
    lying: 'lie',
    tying: 'tie',
    news: 'news',
    innings: 'inning',
    inning: 'inning',
    outings: 'outing',
    outing: 'outing',
    cannings: 'canning',
    canning: 'canning',
    howe: 'howe',
    proceed: 'proceed',
    exceed: 'exceed',
    succeed: 'succeed',
  }),
)

/** Plurals. NLTK: "dies" → "die", but "flies" → "fli". */
function step1a(word: string): string {
  if (word.endsWith('ies') && [...word].length === 4) return word.slice(0, -1)
  return applyFirst(word, STEP_1A)
}

/** Past tenses and participles. NLTK: "died" → "die", "spied" → "spi". */
function step1b(word: string): string {
  if (word.endsWith('ied')) return word.slice(0, [...word].length === 4 ? -1 : -2)
  if (word.endsWith('eed')) return hasMeasure(word.slice(0, -3)) ? word.slice(0, -1) : word
  const stem = word.replace(/(ed|ing)$/, '')
  if (stem === word || !hasVowel(stem)) return word
  const mended = applyFirst(stem, STEP_1B)
  if (mended !== stem) return mended
  if (endsDouble(stem)) return /[lsz]$/.test(stem) ? stem : [...stem].slice(0, -1).join('')
  return measure(stem) === 1 && endsShort(stem) ? stem + 'e' : stem
}

/** y → i. NLTK: after a consonant that is not the first letter ("happy", "fly"), not after a vowel ("enjoy", "by"). */
function step1c(word: string): string {
  if (!word.endsWith('y')) return word
  const flags = consonants([...word.slice(0, -1)])
  return flags.length > 1 && flags.at(-1) ? word.slice(0, -1) + 'i' : word
}

/** Double suffixes. NLTK: "alli" → "al" comes first, then the step again. */
function step2(word: string): string {
  if (word.endsWith('alli') && hasMeasure(word.slice(0, -4))) return step2(word.slice(0, -2))
  return applyFirst(word, STEP_2)
}

/** A final e. */
function step5a(word: string): string {
  if (!word.endsWith('e')) return word
  const stem = word.slice(0, -1)
  const m = measure(stem)
  return m > 1 || (m === 1 && !endsShort(stem)) ? stem : word
}

/** A final double l. */
const step5b = (word: string): string =>
  word.endsWith('ll') && hasLargeMeasure(word.slice(0, -1)) ? word.slice(0, -1) : word

/** The stem of a word, in lower case; words of one or two letters stay as they are. */
export function porterStem(word: string): string {
  const lower = word.toLowerCase()
  const irregular = IRREGULAR.get(lower)
  if (irregular !== undefined) return irregular
  if ([...word].length <= 2) return lower
  const stem = applyFirst(step2(step1c(step1b(step1a(lower)))), STEP_3)
  return step5b(step5a(applyFirst(stem, STEP_4)))
}
