import { join } from 'node:path'

import { expect } from 'chai'

import { openArrowDataset, writeArrowDataset } from '../../src/data/sets/arrow_file.ts'
import type { Layout } from '../../src/data/sets/layouts.ts'
import { layouts } from '../../src/data/sets/layouts.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { promptsAndReferences } from '../../src/data/examples/prompts_and_references.ts'
import { withFolder } from './helpers.ts'

const END = 9
const _ = -100

/** Labels where they are not `_`. */
const row = (ids: readonly number[], learned: readonly number[]): EncodedExample => ({
  input_ids: Int32Array.from(ids),
  labels: Int32Array.from(ids, (id, t) => (learned.includes(t) ? id : _)),
})

const read = (rows: readonly EncodedExample[], most = 100, layout: Layout = layouts.single) =>
  withFolder(async (folder) => {
    const path = join(folder, 'rows.arrow')
    await writeArrowDataset(
      path,
      { fingerprint: 'f', vocabularySize: 10, maxLength: 20, classes: [], layout },
      rows,
    )
    const dataset = openArrowDataset(path)
    const found = promptsAndReferences(dataset, most, END)
    dataset.close()
    return found
  })

describe('data/prompts_and_references', () => {
  it('parts an example at its first label, without the end of text', async () => {
    expect(await read([row([1, 2, 3, 4, END], [2, 3, 4])])).to.deep.equal([
      { prompt: [1, 2], references: [[3, 4]] },
    ])
  })

  it('takes the last of several learned stretches, with all before it as its prompt', async () => {
    expect(await read([row([1, 2, END, 3, 4, 5, END], [1, 2, 5, 6])])).to.deep.equal([
      { prompt: [1, 2, END, 3, 4], references: [[5]] },
    ])
  })

  it('leaves a turn out that follows the last learned stretch', async () => {
    expect(await read([row([1, 2, 3, 4, 5], [1, 2])])).to.deep.equal([{ prompt: [1], references: [[2, 3]] }])
  })

  it('spreads the prompts evenly over the data', async () => {
    const rows = [1, 2, 3, 4, 5, 6, 7].map((id) => row([id, 8, END], [1, 2]))
    expect((await read(rows, 3)).map(({ prompt }) => prompt)).to.deep.equal([[1], [3], [5]])
  })

  it('gives a prompt all its references, those after the last prompt too, and counts different prompts', async () => {
    const rows = [
      row([1, 2, 3], [2]),
      row([4, 5], [1]),
      row([1, 2, 6, END], [2, 3]),
      row([7, 8], [1]),
      row([4, 6], [1]),
    ]
    expect(await read(rows, 2)).to.deep.equal([
      { prompt: [1, 2], references: [[3], [6]] },
      { prompt: [4], references: [[5], [6]] },
    ])
  })

  it('leaves plain text out, and what has nothing but an end of text to learn', async () => {
    expect(await read([row([1, 2], [0, 1]), row([1, 2, END], [2])])).to.deep.equal([])
  })

  it('takes the preferred answer of a pair', async () => {
    const rows = [row([1, 2, 3, END], [2, 3]), row([1, 2, 4, END], [2, 3])].map((each) => ({
      ...each,
      margin: 0,
    }))
    expect(await read(rows, 100, layouts.pairs)).to.deep.equal([{ prompt: [1, 2], references: [[3]] }])
  })
})
