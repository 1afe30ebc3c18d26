import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { openArrowDataset } from '../../src/data/sets/arrow_file.ts'
import { sortClasses } from '../../src/data/sets/classes.ts'
import { compileLabelledText } from '../../src/data/templates/labelled_text.ts'
import { prepare } from '../../src/data/sets/prepare.ts'
import type { PrepareOptions } from '../../src/data/sets/prepare.ts'
import { splitFile } from '../../src/data/sets/split_files.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { userError, withFolder } from './helpers.ts'

/** Prepares lines of text, label and split. */
async function withLines<T>(
  lines: readonly string[],
  use: (options: PrepareOptions, folder: string) => Promise<T>,
): Promise<T> {
  return withFolder(async (folder) => {
    const path = join(folder, 'moods.csv')
    await writeFile(path, ['text,label,split', ...lines].join('\n'))
    for (const [name, text] of Object.entries(await gpt2TokenizerFiles(300)))
      await writeFile(join(folder, name), text)
    return use(
      {
        task: 'classification',
        sources: [{ path, split: { column: 'split' } }],
        tokenizerFolder: folder,
        maxLength: 16,
        out: join(folder, 'out'),
      },
      folder,
    )
  })
}

const moods = ['what a day,joy,train', 'oh no,fear,train', 'great news,joy,train', 'help,fear,validation']
const errorOf = (lines: readonly string[], change: Partial<PrepareOptions> = {}) =>
  withLines(lines, (options) => userError(() => prepare({ ...options, ...change })))

describe('data of a classifier', () => {
  it('has the classes of the training data, sorted, and one label a row', async () => {
    await withLines(moods, async (options, folder) => {
      const { classes, splits } = await prepare(options)
      expect(classes).to.deep.equal(['fear', 'joy'])
      expect(splits.train).to.include({ examples: 3, labelledTokens: 0, skipped: 0 })
      expect(splits.train!.classCounts).to.deep.equal([1, 2])
      expect(splits.validation!.classCounts).to.deep.equal([1, 0])

      const tokenizer = await loadTokenizer(folder)
      const train = openArrowDataset(splitFile(options.out, 'train'))
      const rows = [0, 1, 2].map((row) => train.row(row))
      train.close()
      expect(train.classes).to.deep.equal(['fear', 'joy'])
      expect(rows.map(({ labels }) => [...labels])).to.deep.equal([[1], [0], [1]])
      const texts = rows.map(({ input_ids }) => tokenizer.decode([...input_ids]))
      expect(texts).to.deep.equal(['what a day', 'oh no', 'great news'])
    })
  })

  it('sorts by number where all are whole numbers, else by character', () => {
    expect(sortClasses(['10', '9', '-1'])).to.deep.equal(['-1', '9', '10'])
    expect(sortClasses(['10', '9', 'x'])).to.deep.equal(['10', '9', 'x'])
    expect(sortClasses(new Set(['b', 'a', 'B']))).to.deep.equal(['B', 'a', 'b'])
    expect(sortClasses(['1.5', '10', '9'])).to.deep.equal(['1.5', '10', '9'])
  })

  it('takes given classes in their order, even those without an example', async () => {
    await withLines(moods, async (options) => {
      const { classes, splits } = await prepare({ ...options, classes: ['joy', 'anger', 'fear'] })
      expect(classes).to.deep.equal(['joy', 'anger', 'fear'])
      expect(splits.train!.classCounts).to.deep.equal([2, 0, 1])
      const sorted = await prepare(options)
      const other = await prepare({ ...options, classes: ['joy', 'fear'] })
      expect(other.fingerprint).to.not.equal(sorted.fingerprint)
    })
  })

  it('cuts long texts, and leaves empty ones out whatever their label', async () => {
    const lines = [
      ...moods,
      `${'long '.repeat(40)},joy,train`,
      ',joy,train',
      '  ,,train',
      ' ,anger,validation',
    ]
    await withLines(lines, async (options) => {
      const { splits, classes } = await prepare(options)
      expect(classes).to.deep.equal(['fear', 'joy'])
      expect(splits.train).to.include({ examples: 4, truncated: 1, empty: 2, skipped: 2, overlong: 0 })
      expect(splits.train!.lengths.p100).to.equal(16)
      expect(splits.train!.longest).to.be.greaterThan(40)
      expect(splits.validation).to.include({ examples: 1, empty: 1 })
    })
  })

  it('knows a label of CSV, JSON Lines and Parquet for the same class', async () => {
    await withLines([], async (options, folder) => {
      const all = (name: string) => ({ path: join(folder, name), split: { all: 'train' as const } })
      await writeFile(join(folder, 'a.csv'), 'text,label\na,1.0\nb,0.0\n')
      await writeFile(
        join(folder, 'b.jsonl'),
        '{"text":"c","label":1}\n{"text":"d","label":0.0}\n{"text":"e","label":"1"}\n',
      )
      const numbers = await prepare({ ...options, sources: [all('a.csv'), all('b.jsonl')] })
      expect(numbers.classes).to.deep.equal(['0', '1'])
      expect(numbers.splits.train!.classCounts).to.deep.equal([2, 3])

      await writeFile(join(folder, 'c.csv'), 'text,label\na,True\nb,FALSE\n')
      await writeFile(join(folder, 'd.jsonl'), '{"text":"c","label":true}\n')
      const truths = { ...options, sources: [all('c.csv'), all('d.jsonl')] }
      expect((await prepare(truths)).classes).to.deep.equal(['false', 'true'])
      const named = await prepare({ ...truths, classes: ['True', 'False'] })
      expect(named.classes).to.deep.equal(['True', 'False'])
      expect(named.splits.train!.classCounts).to.deep.equal([2, 1])
      expect(await userError(() => prepare({ ...truths, classes: ['1', '1.0'] }))).to.match(
        /"1.0" is given twice/,
      )

      await writeFile(join(folder, 'e.csv'), 'text,label\na,007\nb,1.50\nc,v1.0\n')
      expect((await prepare({ ...options, sources: [all('e.csv')] })).classes).to.deep.equal([
        '007',
        '1.50',
        'v1.0',
      ])
    })
  })

  it('draws each class its share, and leaves odd rows out where it is asked', async () => {
    await withLines([], async (options, folder) => {
      const path = join(folder, 'rows.csv')
      const rows = Array.from({ length: 50 }, (_, i) => `text ${i},${i % 5 === 0 ? 'rare' : 'usual'}`)
      await writeFile(path, ['text,label', ...rows, 'no label,'].join('\n'))
      const sources = [{ path, split: { validation: 0.2, test: 0, seed: 1 } }]
      expect(await userError(() => prepare({ ...options, sources }))).to.match(/row 51: the label is empty/)
      const { classes, splits } = await prepare({ ...options, sources, oddRows: 'skip' })
      expect(classes).to.deep.equal(['rare', 'usual'])
      expect(splits.validation!.classCounts).to.deep.equal([2, 8])
      expect(splits.train).to.include({ odd: 1, skipped: 1 })
      expect(splits.train!.firstOdd).to.match(/rows\.csv, row 51: the label is empty/)
    })
  })

  it('refuses an identifier for a label, soon, whether its splits are drawn or not', async () => {
    await withLines([], async (options, folder) => {
      const path = join(folder, 'rows.csv')
      await writeFile(path, `text,label\n${Array.from({ length: 10_500 }, (_, i) => `t,id${i}\n`).join('')}`)
      for (const split of [{ validation: 0.2, test: 0, seed: 1 }, { all: 'train' as const }])
        for (const oddRows of ['error', 'skip'] as const)
          expect(
            await userError(() => prepare({ ...options, sources: [{ path, split }], oddRows })),
          ).to.match(
            /row 10001: the label "\{\{ label \}\}" has 10001 different values up to here.* is it an identifier\?/,
          )
    })
  })

  it('names the odd row that is the first of the file, whatever its split', async () => {
    await withLines(['a,x,train', ',,validation', 'b,y,train', 'c,x,validation'], async (options, folder) => {
      const path = join(folder, 'odd.csv')
      const lines = ['a,x,train', 'b,,validation', 'c,y,train', 'd,,train', 'e,x,validation', 'f']
      await writeFile(path, ['text,label,split', ...lines].join('\n'))
      const sources = [{ path, split: { column: 'split' } }]
      const { splits } = await prepare({ ...options, sources, oddRows: 'skip' })
      expect(Object.values(splits).map(({ odd, firstOdd }) => [odd, firstOdd])).to.deep.equal([
        [2, undefined],
        [1, `${path}, row 2: the label is empty; give the row a class, or remove it`],
      ])
    })
  })

  it('separates the texts of a pair by the end of text', async () => {
    await withLines([], async (options, folder) => {
      await writeFile(
        join(folder, 'pairs.jsonl'),
        '{"sentence1":"a b","sentence2":"b","label":0}\n{"sentence1":"c","sentence2":"d","label":1}\n',
      )
      const pairs = { path: join(folder, 'pairs.jsonl'), split: { all: 'train' as const } }
      const { classes } = await prepare({ ...options, sources: [pairs] })
      expect(classes).to.deep.equal(['0', '1'])
      const tokenizer = await loadTokenizer(folder)
      const train = openArrowDataset(splitFile(options.out, 'train'))
      const [first] = [train.row(0)]
      train.close()
      expect([...first.input_ids]).to.deep.equal([
        ...tokenizer.encode('a b'),
        tokenizer.eosId,
        ...tokenizer.encode('b'),
      ])
    })
  })

  it('names the row and the classes of an unknown label', async () => {
    expect(await errorOf(moods, { classes: ['joy', 'anger'] })).to.match(
      /moods\.csv, row 2: the label "fear" is none of the classes \(joy, anger\); correct it, or add it to "classes"/,
    )
    const many = Array.from({ length: 30 }, (_, i) => `c${i}`)
    expect(await errorOf(moods, { classes: many })).to.match(/\(c0, c1, .*, c19 and 10 more\)/)
  })

  it('refuses a class that the training data lacks, and says what to do', async () => {
    for (const split of ['validation', 'test']) {
      const said = await errorOf([...moods, `ouch,anger,${split}`])
      expect(said).to.match(
        /^the class "anger" never occurs in the training data, but \S*moods\.csv, row 5, is in (validation|test); add training rows of it, remove those rows, or list all classes as "classes"$/,
      )
      expect(said).to.include(`is in ${split};`)
    }
  })

  it('refuses data and settings of fewer than two classes', async () => {
    expect(await errorOf(['a,joy,train', 'b,joy,train'])).to.match(
      /the training data has one class only, "joy"; a classifier needs at least two/,
    )
    expect(await errorOf(['a,joy,validation'])).to.match(/the training data has no labelled row/)
    expect(await errorOf(moods, { classes: ['joy'] })).to.match(/classes names 1; .*at least two/)
    expect(await errorOf(moods, { classes: ['joy', 'fear', 'joy'] })).to.match(
      /the class "joy" is given twice/,
    )
  })

  it('refuses empty labels, and templates of no label or of none that varies', async () => {
    expect(await errorOf([...moods, 'x, ,train'])).to.match(
      /moods\.csv, row 5: the label is empty; give the row a class/,
    )
    const templates: [PrepareOptions['template'], RegExp][] = [
      [
        { text: '{{ text }}' },
        /moods\.csv: its template is not for the task classification; give text and label/,
      ],
      [
        { text: '{{ text }}', label: 'label' },
        /the label template "label" names no column; write for example {{ label }}/,
      ],
      [
        { text: '{{ text }}', label: '{{ lable }}' },
        /row 1: the label template uses "lable", which is no column/,
      ],
    ]
    for (const [template, message] of templates) expect(await errorOf(moods, { template })).to.match(message)
  })

  it('takes labels without the white space around them', () => {
    const render = compileLabelledText({ text: '{{ t }}', label: '{{ l }}' })
    expect(render({ t: ' a ', l: ' b\n' }, 'row 1')).to.deep.equal({ text: ' a ', label: 'b' })
    expect(render({ t: 'a', l: 0 }, 'row 1')!.label).to.equal('0')
    expect(render({ t: 'a', l: false }, 'row 1')!.label).to.equal('false')
    expect(render({ t: ' ', l: '' }, 'row 1')).to.equal(undefined)
  })
})
