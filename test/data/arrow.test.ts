import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { tableFromIPC } from 'apache-arrow'
import { expect } from 'chai'
import fc from 'fast-check'

import type { ArrowFacts } from '../../src/data/sets/arrow_format.ts'
import { openArrowDataset, writeArrowDataset } from '../../src/data/sets/arrow_file.ts'
import type { DataSet } from '../../src/data/sets/data_set.ts'
import { layouts } from '../../src/data/sets/layouts.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { UserError } from '../../src/errors.ts'
import { createRandom } from '../../src/random.ts'
import { example, userError, withFolder } from './helpers.ts'
import { expectDamageMet, readAll } from './damage.ts'

const facts: ArrowFacts = {
  fingerprint: 'abc',
  vocabularySize: 300,
  maxLength: 64,
  classes: [],
  layout: layouts.single,
}

async function withDataset<T>(
  examples: Iterable<EncodedExample>,
  use: (dataset: DataSet, path: string) => T | Promise<T>,
  classes: readonly string[] = [],
): Promise<T> {
  return withFolder(async (folder) => {
    const path = join(folder, 'train.arrow')
    await writeArrowDataset(path, { ...facts, classes }, examples)
    const dataset = openArrowDataset(path)
    try {
      return await use(dataset, path)
    } finally {
      dataset.close()
    }
  })
}

/** An example of these tokens and a class. */
const labelled = (ids: readonly number[], label: number): EncodedExample => ({
  input_ids: Int32Array.from(ids),
  labels: Int32Array.of(label),
})

describe('data/arrow', () => {
  it('gives back what was written (property)', async () => {
    const ids = fc.array(fc.integer({ min: 0, max: 299 }), { minLength: 1, maxLength: 64 })
    const rows = fc.array(fc.tuple(ids, fc.nat(64)), { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(rows, async (content) => {
        const examples = content.map(([tokens, from]) => example(tokens, from))
        await withDataset(examples, (dataset) => {
          expect(dataset).to.deep.include({ ...facts, size: examples.length })
          expect(examples.map((_, row) => dataset.row(row))).to.deep.equal(examples)
          expect(Array.from(dataset.lengths)).to.deep.equal(content.map(([tokens]) => tokens.length))
        })
      }),
      { numRuns: 40 },
    )
  })

  it('is an Arrow file of two columns of lists, in several record batches, that apache-arrow reads', async () => {
    const examples = Array.from({ length: 2500 }, (_, i) => example([i % 300, (i + 1) % 300], i % 2))
    await withDataset(examples, async (dataset, path) => {
      const table = tableFromIPC(await readFile(path))
      expect(table.schema.fields.map(String)).to.deep.equal(['input_ids: List<Int32>', 'labels: List<Int32>'])
      expect(table.schema.metadata.get('ortune.fingerprint')).to.equal('abc')
      expect(table.batches.map((batch) => batch.numRows)).to.deep.equal([1024, 1024, 452])
      const row = table.get(2100)!.toJSON() as { input_ids: { toArray(): Int32Array } }
      expect(row.input_ids.toArray()).to.deep.equal(dataset.row(2100).input_ids)
      expect(dataset.row(2100)).to.deep.equal(examples[2100])
    })
  })

  it('holds no more than the offsets of a large file in memory', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    const resident = (): number => {
      // The second collection waits for the first to have freed the buffers that it found dead.
      collectGarbage()
      collectGarbage()
      return process.memoryUsage().arrayBuffers
    }
    const rows = 60_000
    function* examples(): Generator<EncodedExample> {
      for (let i = 0; i < rows; i++) yield example(new Array<number>(60).fill(i % 300))
    }
    await withFolder(async (folder) => {
      const path = join(folder, 'train.arrow')
      await writeArrowDataset(path, facts, examples())
      const before = resident()
      const dataset = openArrowDataset(path)
      let [sum, most] = [0, 0]
      for (let row = 0; row < rows; row++) {
        sum += dataset.row(row).input_ids[0]!
        if (row % 10_000 === 9_999) most = Math.max(most, resident() - before)
      }
      dataset.close()
      expect(sum).to.equal((rows / 300) * ((299 * 300) / 2))
      expect((await readFile(path)).length).to.be.greaterThan(28e6)
      expect(most).to.be.lessThan(8 * rows + 200_000)
    })
  })

  it('refuses a file truncated anywhere', async () => {
    const examples = Array.from({ length: 1100 }, (_, i) => example([i % 300, 1, 2]))
    await withDataset(examples, async (_, path) => {
      const whole = await readFile(path)
      for (let length = 0; length < whole.length; length += 211) {
        await writeFile(path, whole.subarray(0, length))
        expect(await userError(() => readAll(path))).to.match(
          /not an encoded data set that can be read .*prepare it again/,
        )
      }
    })
  })

  for (const classes of [[], ['joy', 'love']]) {
    it(`meets damaged bytes with rows or a UserError, nothing else: ${classes.length} classes`, async () => {
      const random = createRandom(5, 'damage')
      const plain = [example([1, 2, 3]), example([4, 5])]
      const examples = classes.length > 0 ? [labelled([1, 2, 3], 1), labelled([4, 5], 0)] : plain
      const damage = (_: DataSet, path: string) => expectDamageMet(path, random)
      await withDataset(examples, damage, classes)
    })
  }

  it('refuses tokens outside of the vocabulary, and rows longer than it says', async () => {
    await withDataset([example([299]), example([300])], async (dataset) => {
      expect(Array.from(dataset.row(0).input_ids)).to.deep.equal([299])
      expect(await userError(() => dataset.row(1))).to.match(
        /row 1: a token id outside of the vocabulary of 300/,
      )
    })
    expect(await userError(() => withDataset([example(new Array<number>(65).fill(1))], () => 0))).to.match(
      /a row of 65 tokens/,
    )
  })

  it('keeps classes by name, and one label a row (property)', async () => {
    const classes = ['joy', 'ärger', '"quoted", and\nmore']
    const ids = fc.array(fc.integer({ min: 0, max: 299 }), { minLength: 1, maxLength: 64 })
    const rows = fc.array(fc.tuple(ids, fc.nat(2)), { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(rows, async (content) => {
        const examples = content.map(([tokens, label]) => labelled(tokens, label))
        await withDataset(
          examples,
          (dataset) => {
            expect(dataset.classes).to.deep.equal(classes)
            expect(examples.map((_, row) => dataset.row(row))).to.deep.equal(examples)
            expect(Array.from(dataset.lengths)).to.deep.equal(content.map(([tokens]) => tokens.length))
          },
          classes,
        )
      }),
      { numRuns: 20 },
    )
  })

  it('reads labels of rows in several record batches', async () => {
    const examples = Array.from({ length: 2100 }, (_, i) => labelled([i % 300, i % 7], i % 5))
    await withDataset(
      examples,
      (dataset) => {
        for (const row of [0, 1023, 1024, 2099]) expect(dataset.row(row)).to.deep.equal(examples[row])
      },
      ['a', 'b', 'c', 'd', 'e'],
    )
  })

  it('refuses labels that are no class, more than one of a row, and classes that are no names', async () => {
    for (const label of [2, -1, -100]) {
      const read = () => withDataset([labelled([1, 2], label)], (dataset) => dataset.row(0), ['a', 'b'])
      expect(await userError(read)).to.match(
        /row 0: a label that is none of the 2 classes; prepare the data again/,
      )
    }
    const open = (classes: readonly string[], examples = [labelled([1], 0)]) =>
      userError(() => withDataset(examples, () => 0, classes))
    expect(await open(['a', 'b'], [example([1, 2])])).to.match(/a row of 2 tokens/)
    expect(await open(['a'])).to.match(/its 1 classes are not different ones/)
    expect(await open(['a', 'b', 'a'])).to.match(/its 3 classes are not different ones/)
    expect(await open(['a', ''])).to.match(/its classes are no list of names/)
    expect(await open([1, 2] as never)).to.match(/its classes are no list of names/)
    // Without classes a label is a token, so there must be one for each.
    expect(await open([], [labelled([1, 2], 0)])).to.match(/input_ids and labels of different lengths/)
  })

  it('refuses Arrow files of other columns, and files that are none', async () => {
    await withFolder(async (folder) => {
      expect(await userError(() => openArrowDataset(join(folder, 'no.arrow')))).to.match(/does not exist/)
      const path = join(folder, 'x.arrow')
      await writeFile(path, 'word,definition\n'.repeat(10))
      expect(await userError(() => openArrowDataset(path))).to.match(
        /does not begin and end as an Arrow file/,
      )
    })
  })

  it('leaves nothing behind when the rows end in an error', async () => {
    function* broken(): Generator<EncodedExample> {
      yield example([1, 2])
      throw new UserError('row 2 is broken')
    }
    await withFolder(async (folder) => {
      const path = join(folder, 'train.arrow')
      expect(await userError(() => writeArrowDataset(path, facts, broken()))).to.equal('row 2 is broken')
      expect(await readdir(folder)).to.deep.equal([])
    })
  })
})
