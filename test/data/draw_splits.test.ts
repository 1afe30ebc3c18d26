import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { expect } from 'chai'
import fc from 'fast-check'

import type { Row } from '../../src/data/row.ts'
import { drawSplits } from '../../src/data/sets/draw_splits.ts'
import { splitSources } from '../../src/data/sets/split_sources.ts'
import type { Split } from '../../src/data/sets/splits.ts'
import { fileAt } from '../../src/formats/disk_file.ts'
import { hashFraction } from '../../src/data/sets/splits.ts'
import { userError, withFolder } from './helpers.ts'

const hashes = (keys: readonly unknown[], seed = 1): number[] =>
  keys.map((key) => hashFraction(seed, String(key)))
const alike = (rows: number): string[] => new Array<string>(rows).fill('')
const count = (splits: readonly Split[], split: Split): number => splits.filter((one) => one === split).length
const numbers = (rows: number): number[] => Array.from({ length: rows }, (_, i) => i)

describe('data/draw_splits', () => {
  it('gives each split exactly its share, whatever the seed', () => {
    for (let seed = 0; seed < 50; seed++) {
      const splits = drawSplits(
        { hashes: hashes(numbers(40), seed), strata: alike(40) },
        { validation: 0.1, test: 0.2 },
      )
      expect([count(splits, 'validation'), count(splits, 'test')]).to.deep.equal([4, 8])
    }
  })

  it('gives each class its share, and one row where there is enough for all', () => {
    const strata = numbers(100).map((i) => (i < 80 ? 'a' : i < 97 ? 'b' : 'c'))
    const splits = drawSplits({ hashes: hashes(numbers(100)), strata }, { validation: 0.1, test: 0 })
    const validation = strata.filter((_, i) => splits[i] === 'validation')
    expect(['a', 'b', 'c'].map((name) => validation.filter((one) => one === name).length)).to.deep.equal([
      8, 1, 1,
    ])
  })

  it('draws among thousands of classes within a second or two', () => {
    const strata = numbers(21_000).map((i) => String(i % 10_000))
    const before = performance.now()
    const splits = drawSplits({ hashes: hashes(numbers(21_000)), strata }, { validation: 0.1, test: 0.05 })
    expect(performance.now() - before).to.be.lessThan(3000)
    expect([count(splits, 'validation'), count(splits, 'test')]).to.deep.equal([2100, 1050])
  })

  it('leaves a row of every class to train on', () => {
    const strata = ['a', 'b', 'c', 'd', 'e', 'e']
    const splits = drawSplits({ hashes: hashes(numbers(6)), strata }, { validation: 0.4, test: 0.3 })
    expect(new Set(strata.filter((_, i) => splits[i] === 'train')).size).to.equal(5)
  })

  it('takes one row at least where two differ, and never all', () => {
    const draw = (rows: number) =>
      drawSplits({ hashes: hashes(numbers(rows)), strata: alike(rows) }, { validation: 0.01, test: 0 })
    expect(draw(1)).to.deep.equal(['train'])
    expect(count(draw(2), 'validation')).to.equal(1)
  })

  it('keeps rows of the same hash together, in exact shares where groups allow it (property)', () => {
    const groups = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 2, maxLength: 80 })
    fc.assert(
      fc.property(
        groups,
        fc.double({ min: 0, max: 0.6, noNaN: true }),
        fc.nat(),
        (keys, validation, seed) => {
          const splits = drawSplits(
            { hashes: hashes(keys, seed), strata: alike(keys.length) },
            { validation, test: 0.2 },
          )
          const ofKey = new Map<number, Split>()
          keys.forEach(
            (key, i) => expect(ofKey.get(key) ?? splits[i]).to.equal(splits[i]) && ofKey.set(key, splits[i]!),
          )
          expect(splits).to.include('train')
          if (new Set(keys).size > 1 && validation > 0) expect(splits).to.include('validation')
        },
      ),
    )
    const keys = numbers(50).map((i) => i % 10)
    const splits = drawSplits({ hashes: hashes(keys), strata: alike(50) }, { validation: 0.3, test: 0 })
    expect(count(splits, 'validation')).to.equal(15)
  })

  it('moves few rows where one is added, and none where the order changes', () => {
    const draw = (keys: readonly number[]) => {
      const splits = drawSplits(
        { hashes: hashes(keys), strata: alike(keys.length) },
        { validation: 0.1, test: 0.1 },
      )
      return new Map(keys.map((key, i) => [key, splits[i]]))
    }
    const before = draw(numbers(100))
    expect(draw(numbers(100).reverse())).to.deep.equal(new Map([...before].reverse()))
    const after = draw(numbers(101))
    expect([...before].filter(([key, split]) => after.get(key) !== split).length).to.be.at.most(2)
  })

  describe('of sources', () => {
    const drawn = { validation: 0.3, test: 0, seed: 1 }
    const jsonl = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n')

    it('keeps a row that is in two sources in one split', () =>
      withFolder(async (folder) => {
        const rows = numbers(30).map((id) => ({ id }))
        const sources = ['a', 'b'].map((name) => ({
          file: fileAt(join(folder, `${name}.jsonl`)),
          split: drawn,
        }))
        await writeFile(sources[0]!.file.name, jsonl(rows))
        await writeFile(sources[1]!.file.name, jsonl(rows.slice(10)))
        const [first, second] = await splitSources(sources, () => undefined)
        expect(second).to.deep.equal(first!.slice(10))
        expect(first).to.include('validation')
      }))

    it('keeps the rows of a group together where it is asked', () =>
      withFolder(async (folder) => {
        const path = join(folder, 'a.jsonl')
        await writeFile(path, jsonl(numbers(50).map((id) => ({ id, word: `w${id % 10}` }))))
        const [splits] = await splitSources(
          [{ file: fileAt(path), split: { ...drawn, by: 'word' } }],
          () => undefined,
        )
        expect(count(splits!, 'validation')).to.equal(15)
        numbers(40).forEach((i) => expect(splits![i]).to.equal(splits![i + 10]))
        expect(
          await userError(() =>
            splitSources([{ file: fileAt(path), split: { ...drawn, by: 'no' } }], () => undefined),
          ),
        ).to.match(/a\.jsonl, row 1: there is no column "no"; there are id, word/)
      }))

    it('holds nothing of the rows but what they are drawn by', () =>
      withFolder(async (folder) => {
        const path = join(folder, 'a.csv')
        const text = 'some words of text that goes on '.repeat(8)
        const lines = numbers(80_000).map((id) => `${text}${id},"a class of a long name ${id % 5}"\n`)
        await writeFile(path, `text,label\n${lines.join('')}`)
        lines.length = 0
        setFlagsFromString('--expose-gc')
        const collectGarbage = runInNewContext('gc') as () => void
        const held: number[] = []
        const stratum = ({ label }: Row): string => {
          if (held.push(0) % 10_000 === 0) {
            collectGarbage()
            held[held.length - 1] = process.memoryUsage().heapUsed
          }
          return label as string
        }
        await splitSources([{ file: fileAt(path), split: drawn }], () => stratum)
        const [first, ...later] = held.filter((bytes) => bytes > 0)
        expect(later).to.have.length(7)
        // The file has 24 MB.
        expect(Math.max(...later) - first!).to.be.lessThan(6e6)
      }))

    it('reads nothing of a source whose rows tell their split', async () => {
      expect(
        await splitSources([{ file: fileAt('nowhere.csv'), split: { all: 'train' } }], () => undefined),
      ).to.deep.equal([undefined])
    })
  })
})
