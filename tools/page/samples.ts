/**
 * Writes the samples of the page, `page/public/samples`: a few rows of each file of `data/`.
 *
 *     node --import tsx tools/page/samples.ts
 * @module
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'

const root = join(import.meta.dirname, '..', '..')
const folder = join(root, 'page', 'public', 'samples')

type Row = Readonly<Record<string, string>>

const rowsOf = (name: string): Row[] =>
  parse(readFileSync(join(root, 'data', name)), { columns: true }) satisfies Row[]

/** So many rows, spread evenly over all. */
const spread = <T>(rows: readonly T[], count: number): T[] =>
  Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)]!)

const field = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

function writeCsv(name: string, columns: readonly string[], rows: readonly Row[]): void {
  const lines = [
    columns.join(','),
    ...rows.map((row) => columns.map((column) => field(row[column]!)).join(',')),
  ]
  writeFileSync(join(folder, name), `${lines.join('\n')}\n`)
}

mkdirSync(folder, { recursive: true })
copyFileSync(join(root, 'data', 'WORDNET_LICENSE'), join(folder, 'WORDNET_LICENSE'))

const dictionary = rowsOf('dictionary.csv').filter(({ split }) => split === 'train')
writeCsv(
  'dictionary.csv',
  ['word', 'definition', 'example'],
  spread(
    dictionary.filter(({ part_of_speech, example }) => part_of_speech === 'noun' && example !== ''),
    64,
  ),
)

const classes = ['noun', 'verb', 'adjective', 'adverb']
const spoken = classes.map((name) =>
  spread(
    dictionary.filter((row) => row['part_of_speech'] === name),
    30,
  ),
)
writeCsv(
  'part_of_speech.csv',
  ['text', 'label'],
  spoken[0]!.flatMap((_, i) =>
    spoken.map((rows) => ({ text: rows[i]!['definition']!, label: rows[i]!['part_of_speech']! })),
  ),
)

const instructions = rowsOf('instructions.csv').filter(({ split }) => split === 'train')
const plain = instructions.filter(({ context }) => context === '')
// Of one form, which is soon seen in what is written.
const explanations = plain.filter(({ instruction }) => instruction!.startsWith('Explain'))
writeCsv('instructions.csv', ['instruction', 'response'], spread(explanations, 96))

// Two instructions about one word are a chat of two turns.
const turns = plain.flatMap((row, i) => (i % 2 === 1 ? [[plain[i - 1]!, row]] : []))
const chats = spread(turns, 32).map((pair) => ({
  messages: pair.flatMap(({ instruction, response }) => [
    { role: 'user', content: instruction },
    { role: 'assistant', content: response },
  ]),
}))
writeFileSync(join(folder, 'chats.jsonl'), chats.map((chat) => `${JSON.stringify(chat)}\n`).join(''))

const pairs = rowsOf('preferences.csv').filter(({ split, kind }) => split === 'train' && kind !== 'sense')
writeCsv('preferences.csv', ['word', 'chosen', 'rejected'], spread(pairs, 64))

writeCsv('words.csv', ['word'], spread(dictionary, 64))
