import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { openArrowDataset } from '../../src/data/sets/arrow_file.ts'
import { prepare } from '../../src/data/sets/prepare.ts'
import type { PrepareOptions } from '../../src/data/sets/prepare.ts'
import { splitFile } from '../../src/data/sets/split_files.ts'
import type { Split } from '../../src/data/sets/splits.ts'
import { layouts } from '../../src/data/sets/layouts.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { userError, withFolder } from './helpers.ts'

const ROWS = [
  ['why?', ' because', ' no', 0.5, 'train'],
  ['why?', ' because', ' because', 0, 'train'],
  ['who?', ' ', ' me', 0, 'train'],
  ['how?', ` ${'so '.repeat(30)}yes`, ` ${'so '.repeat(30)}no`, 0, 'train'],
  ['where?', ' here', ` ${'there '.repeat(30)}`, 2, 'validation'],
] as const

/** Options for these rows of prompt, chosen, rejected, margin and split. */
async function withRows(
  rows: readonly (readonly (string | number)[])[],
  use: (options: PrepareOptions, folder: string) => Promise<void>,
) {
  await withFolder(async (folder) => {
    const path = join(folder, 'pairs.jsonl')
    const columns = ['prompt', 'chosen', 'rejected', 'margin', 'split']
    const lines = rows.map((row) =>
      JSON.stringify(Object.fromEntries(row.map((value, i) => [columns[i], value]))),
    )
    await writeFile(path, lines.join('\n'))
    for (const [name, text] of Object.entries(await gpt2TokenizerFiles(300)))
      await writeFile(join(folder, name), text)
    await use(
      {
        task: 'preference',
        sources: [{ path, split: { column: 'split' } }],
        tokenizerFolder: folder,
        maxLength: 16,
        out: join(folder, 'out'),
      },
      folder,
    )
  })
}

/** The rows' texts, with loss after the bar, and margins. */
async function readRows(options: PrepareOptions, folder: string, split: Split) {
  const tokenizer = await loadTokenizer(folder)
  const dataset = openArrowDataset(splitFile(options.out, split))
  const rows = Array.from({ length: dataset.size }, (_, i) => {
    const { input_ids, labels, margin } = dataset.row(i)
    const first = labels.findIndex((label) => label >= 0)
    const [prompt, answer] = [input_ids.subarray(0, first), input_ids.subarray(first)]
    return [`${tokenizer.decode([...prompt])}|${tokenizer.decode([...answer])}`, margin]
  })
  dataset.close()
  return { rows, pairs: dataset.layout === layouts.pairs }
}

describe('data/prepare of pairs', () => {
  it('keeps a pair whole or leaves it out, and counts pairs', async () => {
    await withRows(ROWS, async (options, folder) => {
      const report = await prepare(options)
      expect(report.pairs).to.equal(true)
      expect(report.splits.train).to.include({
        examples: 1,
        skipped: 3,
        tie: 2,
        empty: 1,
        overlong: 0,
        truncated: 0,
      })
      expect(await readRows(options, folder, 'train')).to.deep.equal({
        pairs: true,
        rows: [
          ['why?| because<|endoftext|>', 0.5],
          ['why?| no<|endoftext|>', 0.5],
        ],
      })
      const { validation } = report.splits
      expect(validation).to.include({ examples: 1, truncated: 1, skipped: 0 })
      expect(validation!.lengths.p50).to.equal(16)
      expect(validation!.longest)
        .to.equal(16 + validation!.cutTokens)
        .and.to.be.greaterThan(30)
      const { rows } = await readRows(options, folder, 'validation')
      expect(rows.map(([, margin]) => margin)).to.deep.equal([2, 2])
      expect(validation!.tokens).to.be.within(17, 31)
    })
  })

  it('refuses a prompt that leaves no room, or skips it', async () => {
    const long = ['why '.repeat(40), ' because', ' no', 0, 'train']
    await withRows([...ROWS, long], async (options) => {
      expect(await userError(() => prepare(options))).to.match(
        /pairs\.jsonl, row 6: the prompt has \d+ tokens and leaves/,
      )
      const { splits } = await prepare({ ...options, overlong: 'skip' })
      expect(splits.train).to.include({ examples: 1, overlong: 1, skipped: 4 })
    })
  })

  it('names the row of a margin that is none, and says where no pair is left', async () => {
    await withRows([['a', 'b', 'c', 'x', 'train']], async (options, folder) => {
      expect(await userError(() => prepare(options))).to.match(
        /pairs\.jsonl, row 1: the margin is "x"; it must be a number/,
      )
      expect(await readdir(folder)).to.not.include('out')
    })
    const rows = [
      ['a', 'b', 'b', 0, 'train'],
      ['a', 'c', 'c', 0, 'test'],
      ['a', 'b', ' ', 0, 'train'],
    ]
    await withRows(rows, async (options) => {
      expect(await userError(() => prepare(options))).to.match(
        /no example to learn from; 3 rows were left out, 1 with nothing to learn, as where a text is blank, 2 with two answers that are the same; give/,
      )
    })
  })

  it('keeps of the same rows the prompts, with the preferred answers to compare with', async () => {
    await withRows(ROWS, async (options, folder) => {
      const { splits, pairs } = await prepare({ ...options, task: 'prompt' })
      expect(pairs).to.equal(false)
      expect(splits.train).to.include({ examples: 4, skipped: 0 })
      const { rows } = await readRows(options, folder, 'train')
      expect(rows.slice(0, 2)).to.deep.equal(new Array(2).fill(['why?| because<|endoftext|>', undefined]))
      const words = await prepare({ ...options, task: 'prompt', template: { prompt: '{{ prompt }}' } })
      expect(words.splits.train).to.include({ examples: 4, labelledTokens: 0 })
    })
  })
})
