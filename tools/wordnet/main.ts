/**
 * Writes the data sets made of WordNet: `node --import tsx tools/wordnet/main.ts [--corpus <folder>]`.
 * Always data/dictionary.csv and data/WORDNET_LICENSE; with --corpus also the pre-training corpus into that folder.
 * The same WordNet release gives the same bytes.
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { wordNetFolder } from '../../src/metrics/wordnet.ts'
import { corpusLines } from './corpus.ts'
import { readWordNet } from './database.ts'
import { sampleDictionary } from './dictionary.ts'

const { values } = parseArgs({ options: { corpus: { type: 'string' } } })
const data = join(import.meta.dirname, '../../data')
const wordnet = await readWordNet(wordNetFolder())

/** RFC 4180: a field with a comma, a quote or a line end stands in quotes, quotes doubled. */
const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const entries = sampleDictionary(wordnet)
const rows = [
  ['word', 'part_of_speech', 'definition', 'example', 'split'],
  ...entries.map((entry) => [entry.word, entry.partOfSpeech, entry.definition, entry.example, entry.split]),
]
await writeFile(join(data, 'dictionary.csv'), rows.map((row) => row.map(field).join(',') + '\n').join(''))
await writeFile(join(data, 'WORDNET_LICENSE'), wordnet.licence)
for (const split of ['train', 'validation', 'test']) {
  console.log(`dictionary.csv ${split}: ${entries.filter((entry) => entry.split === split).length} rows`)
}

if (values.corpus !== undefined) {
  await mkdir(values.corpus, { recursive: true })
  for (const split of ['train', 'validation'] as const) {
    const lines = corpusLines(wordnet, split)
    const name = `wordnet_${split}.jsonl`
    await writeFile(join(values.corpus, name), lines.map((text) => JSON.stringify({ text }) + '\n').join(''))
    console.log(`${name}: ${lines.length} lines`)
  }
}
