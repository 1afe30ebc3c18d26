import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { tableFromIPC } from 'apache-arrow'
import { expect } from 'chai'
import fc from 'fast-check'

import type { ArrowFacts } from '../../src/data/sets/arrow_format.ts'
import { openArrowDataset, writeArrowDataset } from '../../src/data/sets/arrow_file.ts'
import type { DataSet } from '../../src/data/sets/data_set.ts'
import { layouts } from '../../src/data/sets/layouts.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { createRandom } from '../../src/random.ts'
import { example, userError, withFolder } from './helpers.ts'
import { expectDamageMet } from './damage.ts'
import { anyPair, pairOf } from './pairs.ts'

const facts: ArrowFacts = {
  fingerprint: 'abc',
  vocabularySize: 300,
  maxLength: 64,
  classes: [],
  layout: layouts.pairs,
}

const withDataset = <T>(
  examples: readonly EncodedExample[],
  use: (dataset: DataSet, path: string) => T | Promise<T>,
  changes: Partial<ArrowFacts> = {},
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

describe('data/arrow of pairs', () => {
  it('gives back the rows and margins that were written, in any order (property)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyPair, { minLength: 1, maxLength: 20 }), async (pairs) => {
        const rows = pairs.flat()
        await withDataset(rows, (dataset) => {
          expect(dataset).to.include({ layout: layouts.pairs, size: rows.length })
          expect(rows.map((_, row) => dataset.row(row))).to.deep.equal(rows)
          const last = rows.length - 1
          expect(rows.map((_, row) => dataset.row(last - row))).to.deep.equal(rows.toReversed())
        })
      }),
      { numRuns: 20 },
    )
  })

  it('is an Arrow file with a column of margins, in several record batches', async () => {
    const rows = Array.from({ length: 1100 }, (_, i) =>
      pairOf([1, 2], [i % 300], [300 - 1 - (i % 150), 4], i / 4),
    ).flat()
    await withDataset(rows, async (dataset, path) => {
      const table = tableFromIPC(await readFile(path))
      expect(table.schema.fields.map(String)).to.deep.equal([
        'input_ids: List<Int32>',
        'labels: List<Int32>',
        'margin: List<Float32>',
      ])
      const row = table.get(2150)!.toJSON() as { margin: { toArray(): Float32Array } }
      expect([...row.margin.toArray()]).to.deep.equal([1075 / 4])
      for (const index of [0, 1023, 1024, 2199]) expect(dataset.row(index)).to.deep.equal(rows[index])
    })
  })

  it('refuses rows that are no pairs', async () => {
    const [chosen, rejected] = pairOf([1, 2], [3], [4, 5])
    const wrong: [EncodedExample[], RegExp][] = [
      [[chosen, chosen], /rows 0 and 1: twice the same answer; prepare the data again/],
      [[chosen, { ...rejected, margin: 1 }], /margins that are no number/],
      [[chosen, rejected].map((row) => ({ ...row, margin: Infinity })), /margins that are no number/],
      [[chosen, pairOf([1, 7], [3], [4])[1]], /two prompts/],
      [[chosen, pairOf([1], [2, 3], [4])[1]], /no prompt and answer/],
      [[chosen, { ...rejected, labels: Int32Array.of(-100, -100, 4, 6) }], /no prompt and answer/],
      [[chosen, { ...example([1, 2, 3], 3), margin: 0 }], /no prompt and answer/],
      [[chosen, { ...example([300, 2, 3], 2), margin: 0 }], /row 1: a token id outside of the vocabulary/],
    ]
    for (const [rows, message] of wrong) {
      for (const row of [0, 1])
        expect(await userError(() => withDataset(rows, (dataset) => dataset.row(row)))).to.match(message)
    }
    expect(await userError(() => withDataset([chosen], () => 0))).to.match(/1 rows, which make no pairs/)
    expect(await userError(() => withDataset([chosen, rejected], () => 0, { classes: ['a', 'b'] }))).to.match(
      /not an encoded data set .*both pairs and classes/,
    )
  })

  it('meets damaged bytes with rows or a UserError, nothing else', async () => {
    const random = createRandom(6, 'damage')
    await withDataset([...pairOf([1, 2], [3], [4, 5], 1), ...pairOf([9], [8, 7], [6])], async (_, path) => {
      await expectDamageMet(path, random)
    })
  })
})
