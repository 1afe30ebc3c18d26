/** A tab reads and prepares data as Node does. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { expect } from 'chai'
import type { Browser } from 'playwright-core'

import { prepare } from '../../src/data/sets/prepare.ts'
import { readRows } from '../../src/data/sources/read_rows.ts'
import { tokenizerFilesIn } from '../../src/formats/tokenizer_files.ts'
import { diskFiles } from '../../src/formats/disk_files.ts'
import { UserError } from '../../src/errors.ts'
import { collect, withFolder } from '../data/helpers.ts'
import type * as inside from './inside/rows.ts'
import type { Tab } from './tab.ts'
import { openTab, startBrowser } from './tab.ts'

const root = join(import.meta.dirname, '..', '..')

async function rowsInNode(path: string): Promise<string> {
  try {
    return JSON.stringify(await collect(readRows(path)))
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return error.message.replaceAll(`${dirname(path)}/`, '')
  }
}

/** Numbers below the smallest normal float32 count as 0, as they do in this process once ONNX Runtime has run in it. */
const withoutDenormals = (rows: string): string =>
  rows.startsWith('[')
    ? JSON.stringify(JSON.parse(rows), (_, value: unknown) =>
        typeof value === 'number' && Math.abs(value) < 2 ** -126 ? 0 : value,
      )
    : rows

describe('data in a tab of Chromium', function () {
  this.timeout(600_000)
  let browser: Browser
  let tab: Tab
  before(async () => {
    browser = await startBrowser({ webgpu: false })
    tab = await openTab(browser, { files: root })
  })
  after(() => browser?.close())

  it('has the rows that Node reads, of every fixture', async () => {
    let read = 0
    for (const folder of ['data', 'test/data/fixtures', 'test/fixtures'])
      for (const name of await readdir(join(root, folder), { recursive: true })) {
        if (!/\.(?:csv|tsv|jsonl|json|parquet)$/.test(name)) continue
        const path = `${folder}/${name.replaceAll('\\', '/')}`
        const rows = await tab.ask<typeof inside.rowsOf>('worker', 'rows', 'rowsOf', { path })
        expect(withoutDenormals(rows), path).to.equal(withoutDenormals(await rowsInNode(join(root, path))))
        read += Number(rows.startsWith('['))
      }
    expect(read).to.be.greaterThan(12)
  })

  const cases: readonly Pick<inside.ToPrepare, 'path' | 'task' | 'split' | 'template'>[] = [
    {
      path: 'data/dictionary.csv',
      task: 'classification',
      template: { text: '{{ word }}', label: '{{ part_of_speech }}' },
      split: { validation: 0.1, test: 0.05, seed: 3 },
    },
    { path: 'data/instructions.csv', task: 'sft', split: { validation: 0.1, test: 0, seed: 3 } },
    {
      path: 'data/preferences.csv',
      task: 'preference',
      split: { validation: 0.2, test: 0, seed: 3, by: 'word' },
    },
  ]
  for (const { path, ...options } of cases)
    it(`is prepared to the bytes that Node writes: ${basename(path)}`, () =>
      withFolder(async (folder) => {
        const model = 'artifacts/pocket'
        const tokenizerFolder = join(root, model)
        const { split, ...common } = { ...options, maxLength: 64 }
        const out = join(folder, 'out')
        const { fingerprint } = await prepare({
          ...common,
          sources: [{ path: join(root, path), split }],
          overlong: 'skip',
          tokenizerFolder,
          out,
        })
        const expected: Record<string, string> = { fingerprint }
        for (const file of await readdir(out))
          expected[basename(file, '.arrow')] = createHash('sha256')
            .update(await readFile(join(out, file)))
            .digest('hex')
        const names = await tokenizerFilesIn(diskFiles(tokenizerFolder))
        const prepared = await tab.ask<typeof inside.prepared>('worker', 'rows', 'prepared', {
          ...{ path, model, names, split },
          ...common,
        })
        expect(prepared).to.deep.equal(expected)
      }))

  it('is read as far as it is wanted, of a file that no page can hold', async () => {
    const wanted = { bytes: 3e9, count: 1000 }
    const before = performance.now()
    const { size, rows } = await tab.ask<typeof inside.firstRows>('worker', 'rows', 'firstRows', wanted)
    expect(size).to.be.greaterThan(3e9)
    expect(rows).to.have.length(1000)
    expect(rows[999]).to.deep.equal({ text: 'a fox' })
    expect(performance.now() - before).to.be.lessThan(10_000)
  })
})
