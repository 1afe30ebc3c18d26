import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

import { expect } from 'chai'

import { readArrowDataset, bytesInMemory } from '../../src/data/sets/arrow_reader.ts'
import { prepare } from '../../src/data/sets/prepare.ts'
import type { PrepareOptions } from '../../src/data/sets/prepare.ts'
import { prepareInMemory } from '../../src/data/sets/prepare_in_memory.ts'
import type { SetsOptions } from '../../src/data/sets/prepare_sets.ts'
import type { Split } from '../../src/data/sets/splits.ts'
import { blobFile } from '../../src/formats/byte_file.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import { openTokenizer } from '../../src/formats/open_tokenizer.ts'
import { blobFiles } from '../../src/tab/blob_files.ts'
import { userError, withFolder } from './helpers.ts'

const data = join(import.meta.dirname, '..', '..', 'data')

/** The heading and some rows of a file that is shipped. */
const beginning = async (name: string, rows: number): Promise<string> =>
  (await readFile(join(data, name), 'utf8'))
    .split('\n')
    .slice(0, rows + 1)
    .join('\n')

const jsonl = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join('\n')

const drawn = { validation: 0.2, test: 0.1, seed: 7 }

type Given = Partial<Omit<PrepareOptions, 'sources' | 'evaluation' | 'out' | 'tokenizerFolder'>>

interface Case {
  readonly files: Readonly<Record<string, string>>
  readonly options?: Given
  readonly split?: PrepareOptions['sources'][number]['split']
  /** The file that is evaluated on. */
  readonly judged?: string
}

const answers = Array.from({ length: 60 }, (_, i) => ({
  prompt: `What is ${i}?`,
  completion: ` It is ${i % 9}, “naïve” 🦊.`,
  label: i % 3 === 0,
}))

const cases: Readonly<Record<string, () => Promise<Case>>> = {
  'texts, drawn': async () => ({
    files: { 'a.csv': await beginning('dictionary.csv', 300), 'b.jsonl': jsonl(answers) },
    options: { template: undefined, overlong: 'skip' },
  }),
  'texts of a column of splits, filtered': async () => ({
    files: { 'a.csv': await beginning('dictionary.csv', 2500) },
    split: { column: 'split' },
    options: { overlong: 'skip', filter: 'part_of_speech == "noun"' },
  }),
  classes: async () => ({
    files: { 'a.csv': await beginning('dictionary.csv', 400) },
    options: { task: 'classification', template: { text: '{{ word }}', label: '{{ part_of_speech }}' } },
  }),
  pairs: async () => ({
    files: { 'a.csv': await beginning('preferences.csv', 200) },
    options: { task: 'preference', overlong: 'skip' },
  }),
  'unpaired answers': async () => ({
    files: { 'a.jsonl': jsonl(answers) },
    options: { task: 'unpaired' },
  }),
  'prompts, odd rows left out': async () => ({
    files: { 'a.jsonl': `${jsonl(answers)}\n{"prompt":\n{"prompt":null}` },
    options: { task: 'prompt', oddRows: 'skip' },
  }),
  'another file to evaluate on': async () => ({
    files: { 'a.jsonl': jsonl(answers), 'b.jsonl': jsonl(answers.slice(40)) },
    judged: 'b.jsonl',
    split: { all: 'train' },
  }),
}

/** A case as both functions take it. */
async function bothOf(
  { files, options, split = drawn, judged }: Case,
  folder: string,
): Promise<{ disk: PrepareOptions; tab: SetsOptions }> {
  const tokenizer = await gpt2TokenizerFiles(300)
  for (const [name, text] of Object.entries({ ...files, ...tokenizer }))
    await writeFile(join(folder, name), text)
  const common = { maxLength: 96, ...options }
  const blob = (name: string) => blobFile(new File([files[name]!], name))
  const learned = Object.keys(files).filter((name) => name !== judged)
  const toJudge = { all: 'validation' } as const
  const tokenizerFiles = blobFiles(
    'model',
    new Map(Object.entries(tokenizer).map(([name, text]) => [name, new Blob([text])])),
  )
  return {
    disk: {
      ...common,
      sources: learned.map((name) => ({ path: join(folder, name), split })),
      evaluation:
        judged === undefined
          ? undefined
          : { sources: [{ path: join(folder, judged), split: toJudge }], maxLength: 64 },
      tokenizerFolder: folder,
      out: join(folder, 'out'),
    },
    tab: {
      ...common,
      sources: learned.map((name) => ({ file: blob(name), split })),
      evaluation:
        judged === undefined
          ? undefined
          : { sources: [{ file: blob(judged), split: toJudge }], maxLength: 64 },
      tokenizerFiles,
      tokenizer: await openTokenizer(tokenizerFiles),
    },
  }
}

describe('data prepared in memory', () => {
  for (const [name, of] of Object.entries(cases))
    it(`is byte for byte what Node writes: ${name}`, () =>
      withFolder(async (folder) => {
        const { disk, tab } = await bothOf(await of(), folder)
        const [report, prepared] = [await prepare(disk), await prepareInMemory(tab)]
        const bare = JSON.parse(JSON.stringify(report).replaceAll(`${folder}/`, '')) as unknown
        expect(prepared.report).to.deep.equal(bare)
        const written = await readdir(disk.out)
        expect(Object.keys(prepared.files).map((split) => `${split}.arrow`)).to.have.members(written)
        expect(written.length).to.be.greaterThan(1)
        for (const file of written) {
          const bytes = prepared.files[basename(file, '.arrow') as Split]!
          expect(Buffer.compare(bytes, await readFile(join(disk.out, file))), file).to.equal(0)
        }
        expect(prepared.templates).to.have.length(disk.sources.length)
        const train = readArrowDataset(bytesInMemory('train', prepared.files.train!))
        if (!disk.evaluation) expect(train.fingerprint).to.equal(`${report.fingerprint}-train`)
        expect(train.row(0).input_ids.length).to.be.greaterThan(1)
      }))

  it('is refused with the sentences of Node, with the name of the file', () =>
    withFolder(async (folder) => {
      const faults: readonly Case[] = [
        { files: { 'a.csv': 'colour\nred\n' } },
        { files: { 'a.jsonl': '{"text":"a"}\n{"text":\n' } },
        { files: { 'a.jsonl': jsonl(answers) }, options: { maxLength: 1 } },
        { files: { 'a.jsonl': jsonl(answers) }, split: { column: 'part' } },
        { files: { 'a.jsonl': jsonl(answers) }, options: { filter: 'label == "x"' } },
        { files: { 'a.jsonl': '{"text":" "}' }, split: { all: 'train' } },
      ]
      for (const fault of faults) {
        const { disk, tab } = await bothOf(fault, folder)
        const told = await userError(() => prepare(disk))
        expect(await userError(() => prepareInMemory(tab))).to.equal(told.replaceAll(`${folder}/`, ''))
      }
    }))
})
