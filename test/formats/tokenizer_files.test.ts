import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { UserError } from '../../src/errors.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { placeTokenizerFiles } from '../../src/formats/place_tokenizer_files.ts'
import { createTokenizer } from '../../src/text/create_tokenizer.ts'
import { rejection } from '../rejection.ts'

/** See tools/fixtures/README.md. */
interface Case {
  readonly name: string
  readonly family: string
  readonly taken: readonly string[]
  readonly changes: Readonly<Record<string, unknown>>
  readonly files: Readonly<Record<string, unknown>>
  readonly ids: readonly (readonly number[])[]
}

const fixture = (...path: string[]) => join('test', 'fixtures', 'tokenizers', ...path)
const readJson = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as object
const writeJson = (path: string, value: unknown) => writeFile(path, JSON.stringify(value))

const { texts, cases } = (await readJson(fixture('cases.json'))) as {
  readonly texts: readonly string[]
  readonly cases: readonly Case[]
}

async function writeCase(folder: string, { family, taken, changes, files }: Case): Promise<void> {
  for (const name of taken) await copyFile(fixture(family, name), join(folder, name))
  const path = join(folder, 'tokenizer.json')
  if (Object.keys(changes).length > 0) await writeJson(path, { ...(await readJson(path)), ...changes })
  for (const [name, value] of Object.entries(files)) await writeJson(join(folder, name), value)
}

describe('tokenizers as they are found, against transformers', () => {
  let place: string
  beforeEach(async () => (place = await mkdtemp(join(tmpdir(), 'ortune-tokenizer-'))))
  afterEach(() => rm(place, { recursive: true }))

  for (const given of cases)
    it(`${given.family}: ${given.name}`, async () => {
      await writeCase(place, given)
      const tokenizer = await loadTokenizer(place)
      for (const [i, text] of texts.entries())
        expect(tokenizer.encode(text), JSON.stringify(text)).to.deep.equal(given.ids[i])
    })
  it('are placed with a tokenizer.json that says all, for runtimes that read no more', async () => {
    for (const given of cases) {
      const [found, placed] = ['found', 'placed'].map((name) => join(place, given.name, name)) as [
        string,
        string,
      ]
      await mkdir(found, { recursive: true })
      await mkdir(placed)
      await writeCase(found, given)
      await placeTokenizerFiles(found, placed)
      const plain = { tokenizer_class: 'PreTrainedTokenizerFast' }
      const tokenizer = createTokenizer(await readJson(join(placed, 'tokenizer.json')), plain, given.name)
      for (const [i, text] of texts.entries())
        expect(tokenizer.encode(text), `${given.name}: ${text}`).to.deep.equal(given.ids[i])
      for (const name of Object.keys(given.files))
        expect(await readJson(join(placed, name))).to.deep.equal(await readJson(join(found, name)))
    }
  })

  it('are placed as they are where tokenizer.json says all already', async () => {
    await copyFile(fixture('gpt2', 'tokenizer.json'), join(place, 'tokenizer.json'))
    const to = join(place, 'to')
    await mkdir(to)
    await placeTokenizerFiles(place, to)
    expect(await readFile(join(to, 'tokenizer.json'), 'utf8')).to.equal(
      await readFile(fixture('gpt2', 'tokenizer.json'), 'utf8'),
    )
  })

  describe('are refused in one sentence', () => {
    const faults: Record<string, [Record<string, string>, RegExp]> = {
      'that are not there': [
        {},
        /has no tokenizer, neither tokenizer\.json nor vocab\.json with merges\.txt/,
      ],
      'whose merges are missing': [{ 'vocab.json': '{}' }, /has no tokenizer, neither/],
      'whose class has more to it than a vocabulary': [
        { 'vocab.txt': '[UNK]\n', 'tokenizer_config.json': '{"tokenizer_class": "BertJapaneseTokenizer"}' },
        /vocab\.txt is the vocabulary of a "BertJapaneseTokenizer", .* save it with save_pretrained/,
      ],
      'whose merges are none': [
        { 'vocab.json': '{"a": 0, "b": 1}', 'merges.txt': '#version: 0.2\na b c\n' },
        /vocab\.json: "a b c" is not a merge of two tokens/,
      ],
      'whose merges are of another vocabulary': [
        { 'vocab.json': '{"a": 0, "b": 1}', 'merges.txt': 'a b\n' },
        /vocab\.json: merge "a b" needs "ab", which is no token/,
      ],
      'whose vocabulary is a list': [
        { 'vocab.json': '["a"]', 'merges.txt': '' },
        /vocab\.json: model\.vocab is not a vocabulary of type BPE/,
      ],
      'whose added tokens have no ids': [
        { 'vocab.txt': '[CLS]\n[SEP]\n[UNK]\n', 'added_tokens.json': '{"<x>": "1"}' },
        /added_tokens\.json: <x>: /,
      ],
    }
    for (const [name, [files, message]] of Object.entries(faults))
      it(name, async () => {
        for (const [file, content] of Object.entries(files)) await writeFile(join(place, file), content)
        const error = await rejection(loadTokenizer(place))
        expect(error).to.be.instanceOf(UserError)
        expect(error.message).to.match(message)
      })
  })
})
