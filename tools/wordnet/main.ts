/**
 * Writes the data sets made of WordNet: `node --import tsx tools/wordnet/main.ts [--corpus <folder>]`.
 * Always data/dictionary.csv, data/preferences.csv, data/instructions.csv and data/WORDNET_LICENSE; with --corpus also the pre-training corpus into that folder.
 * The same WordNet release gives the same bytes.
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { wordNetFolder } from '../../src/formats/wordnet.ts'
import { corpusLines } from './corpus.ts'
import { readWordNet } from './database.ts'
import { sampleDictionary } from './dictionary.ts'
import { sampleInstructions } from './instructions.ts'
import { samplePreferences } from './preferences.ts'

const { values } = parseArgs({ options: { corpus: { type: 'string' } } })
const data = join(import.meta.dirname, '../../data')
const wordnet = await readWordNet(wordNetFolder())

/** RFC 4180: a field with a comma, a quote or a line end stands in quotes, quotes doubled. */
const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** Writes a table into data/, and says how many rows each split has. */
async function writeTable(
  name: string,
  columns: readonly string[],
  rows: readonly { readonly split: string; readonly fields: readonly string[] }[],
): Promise<void> {
  const lines = [[...columns, 'split'], ...rows.map(({ fields, split }) => [...fields, split])]
  await writeFile(join(data, name), lines.map((line) => line.map(field).join(',') + '\n').join(''))
  for (const split of ['train', 'validation', 'test']) {
    console.log(`${name} ${split}: ${rows.filter((row) => row.split === split).length} rows`)
  }
}

await writeTable(
  'dictionary.csv',
  ['word', 'part_of_speech', 'definition', 'example'],
  sampleDictionary(wordnet).map(({ word, partOfSpeech, definition, example, split }) => {
    return { fields: [word, partOfSpeech, definition, example], split }
  }),
)
await writeTable(
  'preferences.csv',
  ['word', 'part_of_speech', 'chosen', 'rejected', 'kind'],
  samplePreferences(wordnet).map(({ word, partOfSpeech, chosen, rejected, kind, split }) => {
    return { fields: [word, partOfSpeech, chosen, rejected, kind], split }
  }),
)
await writeTable(
  'instructions.csv',
  ['instruction', 'context', 'response'],
  sampleInstructions(wordnet).map(({ instruction, context, response, split }) => {
    return { fields: [instruction, context, response], split }
  }),
)
await writeFile(join(data, 'WORDNET_LICENSE'), wordnet.licence)

if (values.corpus !== undefined) {
  await mkdir(values.corpus, { recursive: true })
  for (const split of ['train', 'validation'] as const) {
    const lines = corpusLines(wordnet, split)
    const name = `wordnet_${split}.jsonl`
    await writeFile(join(values.corpus, name), lines.map((text) => JSON.stringify({ text }) + '\n').join(''))
    console.log(`${name}: ${lines.length} lines`)
  }
}
