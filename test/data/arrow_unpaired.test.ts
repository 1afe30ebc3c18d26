import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { tableFromIPC } from 'apache-arrow'
import { expect } from 'chai'
import fc from 'fast-check'

import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { promptsAndReferences } from '../../src/data/examples/prompts_and_references.ts'
import { openArrowDataset, writeArrowDataset } from '../../src/data/sets/arrow_file.ts'
import type { DataSet } from '../../src/data/sets/data_set.ts'
import { layouts } from '../../src/data/sets/layouts.ts'
import { prepare } from '../../src/data/sets/prepare.ts'
import { splitFile } from '../../src/data/sets/split_files.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import { createRandom } from '../../src/random.ts'
import { dataTable } from '../../src/report/data_table.ts'
import { exampleView } from '../../src/report/token_view.ts'
import { expectDamageMet } from './damage.ts'
import { example, userError, withFolder } from './helpers.ts'
import { anyUnpaired, unpairedOf } from './unpaired.ts'

const facts = {
  fingerprint: 'abc',
  vocabularySize: 300,
  maxLength: 64,
  classes: [],
  layout: layouts.unpaired,
}

const withDataset = <T>(
  examples: readonly EncodedExample[],
  use: (dataset: DataSet, path: string) => T | Promise<T>,
  changes: object = {},
): Promise<T> =>
  withFolder(async (folder) => {
    const path = join(folder, 'train.arrow')
    await writeArrowDataset(path, { ...facts, ...changes }, examples)
    const dataset = openArrowDataset(path)
    try {
      return await use(dataset, path)
    } finally {
      dataset.close()
    }
  })

describe('data/arrow of unpaired rows', () => {
  it('gives back the rows and whether they are desirable, in any order (property)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyUnpaired, { minLength: 1, maxLength: 20 }), async (rows) => {
        await withDataset(rows, (dataset) => {
          expect(dataset).to.include({ layout: layouts.unpaired, size: rows.length })
          expect(rows.map((_, row) => dataset.row(row))).to.deep.equal(rows)
          const last = rows.length - 1
          expect(rows.map((_, row) => dataset.row(last - row))).to.deep.equal(rows.toReversed())
        })
      }),
      { numRuns: 20 },
    )
  })

  it('is an Arrow file with a column of marks', async () => {
    await withDataset([unpairedOf([1], [2], true), unpairedOf([1], [3], false)], async (_, path) => {
      const table = tableFromIPC(await readFile(path))
      expect(table.schema.fields.map(String)).to.deep.equal([
        'input_ids: List<Int32>',
        'labels: List<Int32>',
        'desirable: List<Float32>',
      ])
      const marks = [0, 1].map((i) => {
        const row = table.get(i)!.toJSON() as { desirable: { toArray(): Float32Array } }
        return [...row.desirable.toArray()]
      })
      expect(marks).to.deep.equal([[1], [0]])
    })
  })

  it('refuses rows that are no answers', async () => {
    const row = unpairedOf([1, 2], [3], true)
    const wrong: [EncodedExample, RegExp][] = [
      [example([1, 2, 3], 2), /row 0: a mark that is neither 0 nor 1; prepare the data again/],
      [{ ...row, labels: Int32Array.of(-100, -100, -100) }, /row 0: a row of no prompt and answer/],
      [{ ...row, labels: Int32Array.of(-100, 2, -100) }, /row 0: a row of no prompt and answer/],
      [unpairedOf([300], [3], true), /row 0: a token id outside of the vocabulary/],
    ]
    for (const [given, message] of wrong)
      expect(await userError(() => withDataset([given], (dataset) => dataset.row(0)))).to.match(message)
    expect(await userError(() => withDataset([row], () => 0, { classes: ['a', 'b'] }))).to.match(
      /not an encoded data set .*both unpaired rows and classes/,
    )
  })

  it('meets damaged bytes with rows or a UserError, nothing else', async () => {
    const random = createRandom(7, 'damage')
    await withDataset([unpairedOf([1, 2], [3, 4], true), unpairedOf([9], [8, 7], false)], async (_, path) => {
      await expectDamageMet(path, random)
    })
  })

  it('takes desirable answers alone for references', async () => {
    const rows = [unpairedOf([1], [2], true), unpairedOf([1], [3], false), unpairedOf([4], [3], false)]
    await withDataset(rows, (dataset) => {
      expect(promptsAndReferences(dataset, 9, 9)).to.deep.equal([{ prompt: [1], references: [[2]] }])
    })
  })
})

describe('data/prepare of unpaired rows', () => {
  const withRows = (file: string, text: string, use: (folder: string, path: string) => Promise<void>) =>
    withFolder(async (folder) => {
      const path = join(folder, file)
      await writeFile(path, text)
      for (const [name, content] of Object.entries(await gpt2TokenizerFiles(300)))
        await writeFile(join(folder, name), content)
      await use(folder, path)
    })
  const prepareRows = (folder: string, path: string) =>
    prepare({
      task: 'unpaired',
      sources: [{ path, split: { all: 'train' } }],
      tokenizerFolder: folder,
      maxLength: 16,
      out: join(folder, 'out'),
    })

  it('keeps the labels of a CSV file, and counts and shows what is desirable', async () => {
    const text = 'prompt,completion,label\nwhy?, so,true\nwhy?, no,0\nwho?, me,1\nhow?, ,true\n'
    await withRows('rows.csv', text, async (folder, path) => {
      const { splits, pairs } = await prepareRows(folder, path)
      expect(pairs).to.equal(false)
      expect(splits.train).to.include({ examples: 3, desirable: 2, skipped: 1, empty: 1 })
      expect(dataTable(splits)).to.match(/examples +desirable +tokens/)
      const dataset = openArrowDataset(splitFile(join(folder, 'out'), 'train'))
      expect([0, 1, 2].map((row) => dataset.row(row).desirable)).to.deep.equal([true, false, true])
      dataset.close()
    })
    const piece = { text: 'a', tokens: 1, learned: true, end: false }
    for (const [desirable, heading] of [
      [true, 'example 1: 1 tokens, 1 with loss, desirable\n'],
      [false, 'example 1: 1 tokens, 1 with loss, undesirable\n'],
    ] as const)
      expect(exampleView({ pieces: [piece], desirable }, 1, { color: false, width: 80 })).to.include(heading)
  })

  it('makes two rows of a pair, and names the row of a label that is none', async () => {
    const pair = { prompt: 'why?', chosen: ' so', rejected: ' no', margin: 1 }
    const tie = { ...pair, rejected: ' so' }
    const lines = [pair, tie].map((row) => JSON.stringify(row)).join('\n')
    await withRows('pairs.jsonl', lines, async (folder, path) => {
      const { splits } = await prepareRows(folder, path)
      expect(splits.train).to.include({ examples: 2, desirable: 1, skipped: 1, tie: 1 })
    })
    const text = 'prompt,completion,label\nwhy?, so,true\nwhy?, no,perhaps\n'
    await withRows('rows.csv', text, async (folder, path) => {
      expect(await userError(() => prepareRows(folder, path))).to.match(
        /rows\.csv, row 2: the label is "perhaps"; it must be true for a desirable completion or false for/,
      )
    })
  })
})
