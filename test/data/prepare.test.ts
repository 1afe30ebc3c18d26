import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { openArrowDataset } from '../../src/data/sets/arrow_file.ts'
import { prepare } from '../../src/data/sets/prepare.ts'
import type { PrepareOptions } from '../../src/data/sets/prepare.ts'
import { splitFile } from '../../src/data/sets/split_files.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { userError, withFolder } from './helpers.ts'

const csv = [
  'word,definition,split',
  'dog,a domestic animal,train',
  'cat,another animal,train',
  'sky,what is above us,validation',
  'a very long word that fills the whole of the context and more than that,x,train',
].join('\n')

/** A folder with a source, a tokenizer of few merges, and options that fit both. */
async function withSource(content: string, use: (options: PrepareOptions, folder: string) => Promise<void>) {
  await withFolder(async (folder) => {
    await writeFile(join(folder, 'words.csv'), content)
    for (const [name, text] of Object.entries(await gpt2TokenizerFiles(300)))
      await writeFile(join(folder, name), text)
    const options: PrepareOptions = {
      sources: [{ path: join(folder, 'words.csv'), split: { column: 'split' } }],
      template: { prompt: 'Word: {{word}} ; Definition:', completion: ' {{definition}}<|endoftext|>' },
      tokenizerFolder: folder,
      maxLength: 32,
      overlong: 'skip',
      out: join(folder, 'out'),
    }
    await use(options, folder)
  })
}

/** The texts of the training examples. */
async function trainTexts(options: PrepareOptions, tokenizerFolder: string): Promise<string[]> {
  await prepare(options)
  const tokenizer = await loadTokenizer(tokenizerFolder)
  const dataset = openArrowDataset(splitFile(options.out, 'train'))
  try {
    return Array.from({ length: dataset.size }, (_, row) => tokenizer.decode([...dataset.row(row).input_ids]))
  } finally {
    dataset.close()
  }
}

describe('data/prepare', () => {
  it('writes one file per split, whose tokens read as the template says', async () => {
    await withSource(csv, async (options, folder) => {
      const progress: number[] = []
      const report = await prepare({ ...options, onProgress: (rows) => progress.push(rows) })
      expect(await readdir(options.out)).to.have.members(['train.arrow', 'validation.arrow'])
      expect(progress).to.deep.equal([4])

      const tokenizer = await loadTokenizer(folder)
      const train = openArrowDataset(splitFile(options.out, 'train'))
      const first = train.row(0)
      const learnt = first.labels.filter((id) => id >= 0)
      expect(tokenizer.decode([...first.input_ids])).to.equal(
        'Word: dog ; Definition: a domestic animal<|endoftext|>',
      )
      expect(tokenizer.decode([...learnt])).to.equal(' a domestic animal<|endoftext|>')
      expect(first.input_ids.at(-1)).to.equal(tokenizer.eosId)
      expect(train.fingerprint).to.equal(`${report.fingerprint}-train`)
      expect(train).to.include({ size: 2, vocabularySize: tokenizer.vocabSize, maxLength: 32 })

      const rows = [train.row(0), train.row(1)]
      train.close()
      const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
      const lengths = rows.map(({ input_ids }) => input_ids.length)
      expect(report.splits.train).to.deep.equal({
        examples: 2,
        tokens: sum(lengths),
        labelledTokens: sum(rows.map(({ labels }) => labels.filter((id) => id >= 0).length)),
        truncated: 0,
        cutTokens: 0,
        longest: Math.max(...lengths),
        skipped: 1,
        empty: 0,
        odd: 0,
        overlong: 1,
        tie: 0,
        lengths: {
          p50: Math.min(...lengths),
          p90: Math.max(...lengths),
          p99: Math.max(...lengths),
          p100: Math.max(...lengths),
        },
      })
      expect(report.splits.validation).to.include({ examples: 1, skipped: 0 })
      expect(report.splits).to.not.have.property('test')
    })
  })

  it('writes the same bytes again, and another fingerprint where anything changes', async () => {
    await withSource(csv, async (options, folder) => {
      const { fingerprint } = await prepare(options)
      const bytes = await readFile(splitFile(options.out, 'train'))
      expect((await prepare(options)).fingerprint).to.equal(fingerprint)
      expect(await readFile(splitFile(options.out, 'train'))).to.deep.equal(bytes)
      const changed = [
        { ...options, maxLength: 31 },
        { ...options, template: { text: '{{word}} {{definition}}' } },
        { ...options, sources: [{ ...options.sources[0]!, template: { text: '{{word}}' } }] },
        { ...options, sources: [{ ...options.sources[0]!, split: { all: 'train' as const } }] },
      ]
      for (const other of changed) expect((await prepare(other)).fingerprint).to.not.equal(fingerprint)
      await writeFile(join(folder, 'words.csv'), csv.replace('dog', 'dig'))
      expect((await prepare(options)).fingerprint).to.not.equal(fingerprint)
    })
  })

  it('leaves out damaged lines where it is asked, and counts them; else it says that it can', async () => {
    await withSource('', async (options, folder) => {
      const texts = [
        '{"text":"a b"}',
        '{"text":"c',
        '{"text":"d e"}',
        '{"text":"f"} x',
        '{"text":"g"}',
        '{"te',
      ]
      const path = join(folder, 'texts.jsonl')
      await writeFile(path, texts.join('\n'))
      for (const split of [{ all: 'validation' as const }, { validation: 0.4, test: 0, seed: 1 }]) {
        const damaged = { ...options, template: undefined, sources: [{ path, split }] }
        expect(await userError(() => prepare(damaged))).to.match(
          /texts\.jsonl, line 2: not valid JSON .*, or leave such rows out by odd_rows=skip$/,
        )
        const { splits } = await prepare({ ...damaged, oddRows: 'skip' })
        const all = Object.values(splits)
        expect(all.reduce((sum, { examples }) => sum + examples, 0)).to.equal(3)
        expect(all.reduce((sum, { odd }) => sum + odd, 0)).to.equal(3)
        expect(all.find(({ odd }) => odd > 0)!.firstOdd).to.match(/texts\.jsonl, line 2: not valid JSON/)
      }
    })
  })

  it('leaves out conversations of another shape where it is asked, and counts them', async () => {
    await withSource('', async (options, folder) => {
      const turn = (role: string, content: unknown) => ({ role, content })
      const good = [turn('user', 'a'), turn('assistant', 'b')]
      const conversations = [
        good,
        [turn('assistant', 'x'), ...good],
        [...good, turn('function_call', '{}')],
        [turn('user', [{ type: 'text', text: 'parts' }]), turn('assistant', 'b')],
        [turn('user', 'a'), { role: 'assistant', tool_calls: [] }],
        good,
      ]
      const path = join(folder, 'chats.jsonl')
      await writeFile(path, conversations.map((messages) => JSON.stringify({ messages })).join('\n'))
      const chats = { ...options, template: undefined, sources: [{ path, split: { all: 'train' as const } }] }
      expect(await userError(() => prepare(chats))).to.match(
        /row 2, message 1: it is of the assistant.*, or leave such rows out by odd_rows=skip$/,
      )
      const { splits, fingerprint } = await prepare({ ...chats, maxLength: 64, oddRows: 'skip' })
      expect(splits.train).to.include({ examples: 3, skipped: 3, odd: 2, empty: 1 })
      expect(splits.train!.firstOdd).to.match(/chats\.jsonl, row 2, message 1/)
      expect(fingerprint).to.match(/^[0-9a-f]{64}$/)

      const wrong = { text: '{{ wrod }}' }
      expect(await userError(() => prepare({ ...chats, template: wrong, oddRows: 'skip' }))).to.match(
        /6 rows were left out, 6 that do not fit their template, the first: .*row 1: the text template uses "wrod"/,
      )
      const tight = {
        ...options,
        sources: [{ path, split: { all: 'train' as const } }],
        overlong: 'error' as const,
      }
      const prompt = { prompt: 'long '.repeat(40), completion: '{{ messages | dump }}' }
      const full = (context: number) =>
        userError(() => prepare({ ...tight, template: prompt, oddRows: 'skip', context }))
      expect(await full(64)).to.match(
        /row 1: the prompt has \d+ tokens .* in 32; shorten it, raise max_length, or/,
      )
      expect(await full(32)).to.match(/row 1: the prompt has \d+ tokens .* in 32; shorten it, or leave/)
    })
  })

  it('takes several sources, and splits rows by a seed', async () => {
    const lines = Array.from({ length: 300 }, (_, i) => `word${i},definition ${i},train`)
    await withSource(['word,definition,split', ...lines].join('\n'), async (options, folder) => {
      await writeFile(join(folder, 'more.jsonl'), '{"word":"w","definition":"d"}\n')
      const seeded = { ...options.sources[0]!, split: { validation: 0.2, test: 0.1, seed: 3 } }
      const more = { path: join(folder, 'more.jsonl'), split: { all: 'test' as const } }
      const { splits } = await prepare({ ...options, sources: [seeded, more] })
      const counts = [splits.train, splits.validation, splits.test].map((part) => part!.examples)
      expect(counts.reduce((sum, count) => sum + count, 0)).to.equal(301)
      expect(counts[0]).to.be.greaterThan(counts[1]!)
      expect(counts[1]).to.be.greaterThan(20)
      expect(counts[2]).to.be.greaterThan(8)
    })
  })

  it('counts completions that were cut', async () => {
    await withSource('word,definition,split\ndog,' + 'long '.repeat(50) + ',train\n', async (options) => {
      const { splits } = await prepare(options)
      expect(splits.train).to.include({ examples: 1, truncated: 1, tokens: 32 })
      expect(splits.train!.lengths.p100).to.equal(32)
      const whole = (await prepare({ ...options, maxLength: 200 })).splits.train!
      expect(whole).to.include({ truncated: 0, cutTokens: 0, longest: whole.tokens })
      expect(splits.train).to.include({ cutTokens: whole.tokens - 32, longest: whole.tokens })
    })
  })

  it('leaves rows without a completion out, and counts them', async () => {
    const rows = 'dog,a domestic animal,train\ncat,,train\ncow,"  ",train\nsky,,validation\n'
    await withSource(`word,definition,split\n${rows}`, async (options) => {
      const { splits } = await prepare(options)
      expect(splits.train).to.include({ examples: 1, skipped: 2, empty: 2, overlong: 0 })
      expect(splits.validation).to.include({ examples: 0, skipped: 1, longest: 0 })
      expect(await readdir(options.out)).to.deep.equal(['train.arrow'])
    })
  })

  it('leaves rows out whose response, text or message is null, and counts them', async () => {
    await withSource(csv, async (options, folder) => {
      const message = (content: string | null) => [
        { role: 'user', content: 'a' },
        { role: 'assistant', content },
      ]
      const forms = [
        (value: string | null) => ({ instruction: 'a', context: null, response: value }),
        (value: string | null) => ({ prompt: 'a', completion: value }),
        (value: string | null) => ({ text: value }),
        (value: string | null) => ({ messages: message(value) }),
      ]
      const path = join(folder, 'rows.jsonl')
      const sources = [{ path, split: { all: 'train' as const } }]
      for (const form of forms) {
        await writeFile(path, [form('b'), form(null)].map((row) => JSON.stringify(row)).join('\n'))
        const { splits } = await prepare({ ...options, template: undefined, sources })
        expect(splits.train, form.toString()).to.include({ examples: 1, skipped: 1, empty: 1 })
      }
    })
  })

  it('takes a template for each source, or one told by its columns', async () => {
    await withSource(csv, async (options, folder) => {
      const [words] = options.sources
      const template = { text: '{{ line }}' }
      await writeFile(join(folder, 'lines.jsonl'), '{"line":"to be"}\n')
      await writeFile(join(folder, 'told.jsonl'), '{"text":"or not"}\n')
      const lines = { path: join(folder, 'lines.jsonl'), split: { all: 'train' as const }, template }
      const told = { path: join(folder, 'told.jsonl'), split: { all: 'train' as const } }
      const texts = await trainTexts({ ...options, sources: [lines, words!] }, folder)
      expect(texts).to.deep.equal([
        'to be',
        'Word: dog ; Definition: a domestic animal<|endoftext|>',
        'Word: cat ; Definition: another animal<|endoftext|>',
      ])
      const detected = await trainTexts({ ...options, template: undefined, sources: [told, words!] }, folder)
      expect(detected).to.deep.equal(['or not<|endoftext|>', ...texts.slice(1)])
    })
  })

  it('gives an example for each template of a list, and leaves out rows that give none', async () => {
    const rows = 'dog,an animal,a dog barks,train\ncat,,,train\nsky,,blue sky,train\n'
    await withSource(`word,definition,example,split\n${rows}`, async (options, folder) => {
      const template = [
        { prompt: '{{ word }}:', completion: ' {{ definition }}', requires: ['definition'] },
        { prompt: '{{ example }} >', completion: ' {{ word }}', requires: ['example'] },
      ]
      const texts = await trainTexts({ ...options, template }, folder)
      expect(texts).to.deep.equal(['dog: an animal', 'a dog barks > dog', 'blue sky > sky'])
      expect((await prepare({ ...options, template })).splits.train).to.include({ examples: 3, empty: 1 })
      const misspelt = [{ ...template[0]!, requires: ['defintion'] }]
      expect(await userError(() => prepare({ ...options, template: misspelt }))).to.match(
        /words\.csv: the template requires "defintion", which is no column of any row; there are word, definition/,
      )
    })
  })

  it('writes nothing where a row, an option or a source is wrong', async () => {
    await withSource(csv, async (options, folder) => {
      const before = await readdir(folder)
      const template = { prompt: '{{wrod}}', completion: 'x' }
      const wrong: [Partial<PrepareOptions>, RegExp][] = [
        [{ template }, /words\.csv, row 1: the prompt template uses "wrod"/],
        [{ overlong: 'error' }, /words\.csv, row 4: the prompt has \d+ tokens and leaves no room/],
        [
          { maxLength: 2 },
          /no example to learn from; 4 rows were left out, .*4 with a prompt that fills max_length; give rows/,
        ],
        [{ maxLength: 0 }, /the maximum length is 0/],
        [
          { sources: [{ ...options.sources[0]!, split: { column: 'word' } }] },
          /row 1: split column "word" holds "dog"/,
        ],
        [{ sources: [{ path: join(folder, 'no.csv'), split: { all: 'train' } }] }, /no\.csv does not exist/],
        [{ tokenizerFolder: join(folder, 'none') }, /none does not exist/],
        [
          { template: { text: '{{ word }}', label: '{{ split }}' } },
          /words\.csv: its template is not for the task sft; give prompt/,
        ],
        [
          { task: 'preference' },
          /words\.csv: its template is not for the task preference; give chosen and rejected/,
        ],
        [
          { task: 'prompt', template: { text: '{{ word }}' } },
          /not for the task prompt; give a prompt, with or without/,
        ],
        [{ template: { prompt: '{{ word }}' } }, /not for the task sft; give prompt and completion/],
        [
          { template: { chosen: '{{ word }}', rejected: 'x' } },
          /not for the task sft; give prompt and completion/,
        ],
        [{ classes: ['a', 'b'] }, /classes are for the task classification/],
        [{ out: folder }, /holds other files \(.*name a new folder/],
      ]
      for (const [change, message] of wrong) {
        expect(await userError(() => prepare({ ...options, ...change }))).to.match(message)
        expect(await readdir(folder)).to.deep.equal(before)
      }
      await writeFile(join(folder, 'words.csv'), 'word,definition,split\n')
      expect(await userError(() => prepare(options))).to.match(
        /no example to learn from; there are no rows; give rows/,
      )
      await mkdir(options.out)
    })
  })
})
