/**
 * Sound rows of data, in the formats they come in and as each kind of data has them.
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { DataKindName } from '../../../src/data/kinds/index.ts'
import { prepare } from '../../../src/data/sets/prepare.ts'
import { writeTinyModel } from '../../../test/tiny_model.ts'
import type { Samples } from './files.ts'
import { lines, root, texts, values } from './files.ts'

export const csv = texts(
  'word,definition,split\ndog,"an animal, which ""barks""",train\ncat,"an\nanimal",train\n\nsea,much water,test\n',
  'a;b\r\n1;2\r\n3;4\r\n',
)
export const tsv = texts('sentence\tlabel\na "quoted one\tpos\nan other\'s\tneg\n')

const rows = [
  { prompt: 'Q', completion: 'A', nested: { list: [1, 'two', null], flag: true }, number: 1.5 },
  { prompt: 'Why?', completion: 'Because “so”.', nested: null, number: 9007199254740991 },
]
export const jsonl = lines(rows)
export const jsonArray = values(rows)
export const prompts = lines(['Word: dog ;', 'Two\nlines'])

export async function parquet(): Promise<readonly Uint8Array[]> {
  const names = ['none', 'snappy', 'gzip', 'zstd']
  return Promise.all(
    names.map((name) => readFile(join(root, 'test', 'data', 'fixtures', `rows_${name}.parquet`))),
  )
}

const message = (role: string, content: unknown) => ({ role, content })
const turns = [message('user', 'Hi'), message('assistant', 'Hello')]

/** Rows of each kind of data in several forms, as their columns tell them. */
export const kindRows: Readonly<Record<DataKindName, readonly (readonly object[])[]>> = {
  sft: [
    [{ messages: [message('system', 'Be kind'), ...turns] }, { messages: turns, tools: null }],
    [
      {
        conversations: [
          { from: 'human', value: 'Hi' },
          { from: 'gpt', value: 'Hello' },
        ],
        id: 'a',
      },
    ],
    [
      { prompt: 'Q', completion: 'A' },
      { prompt: 'Why?', completion: 'Because.' },
    ],
    [{ instruction: 'Do', input: '', output: 'Done' }],
    [{ word: 'dog', definition: 'an animal', example: '' }],
    [{ text: 'a plain text' }],
  ],
  classification: [
    [
      { text: 'a text', label: 'good' },
      { text: 'one more', label: 'bad' },
    ],
    [
      { sentence: 'a text', label: 0 },
      { sentence: 'one more', label: 1 },
    ],
  ],
  preference: [
    [{ prompt: 'Q', chosen: 'yes', rejected: 'no', margin: 0.5 }],
    [{ chosen: turns, rejected: [turns[0], message('assistant', 'No')] }],
    [{ chosen: 'Human: Hi Assistant: Hello', rejected: 'Human: Hi Assistant: No' }],
  ],
  unpaired: [
    [true, false].map((label) => ({ prompt: 'Q', completion: 'A', label })),
    [{ prompt: turns.slice(0, 1), completion: turns.slice(1), label: true }],
  ],
  prompt: [[{ prompt: 'Q' }], [{ prompt: turns.slice(0, 1) }], [{ word: 'dog' }]],
}

/** Rows of a kind, beside a model. */
export const rowsOf =
  (kind: DataKindName): Samples =>
  async (folder) => {
    await writeTinyModel(join(folder, 'model'))
    return lines(...kindRows[kind])(folder)
  }

/** Makes a data set of `<rows>.jsonl` in a folder with a model. */
export async function prepareRows(
  folder: string,
  rows: string,
  task: DataKindName,
  oddRows: 'error' | 'skip' = 'error',
): Promise<string> {
  const sources = [{ path: join(folder, `${rows}.jsonl`), split: { all: 'train' } }] as const
  const out = join(folder, task)
  await prepare({ sources, task, oddRows, tokenizerFolder: join(folder, 'model'), maxLength: 64, out })
  return out
}

/** A data set of each kind. */
export async function arrow(folder: string): Promise<readonly Uint8Array[]> {
  const files: Uint8Array[] = []
  for (const [name, [rows]] of Object.entries(kindRows)) {
    const kind = name as DataKindName
    await rowsOf(kind)(folder)
    await writeFile(join(folder, `${kind}.jsonl`), rows!.map((one) => `${JSON.stringify(one)}\n`).join(''))
    files.push(await readFile(join(await prepareRows(folder, kind, kind), 'train.arrow')))
  }
  return files
}
