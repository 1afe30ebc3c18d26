/** What a tab keeps outlasts a reload, a closed tab and a full disk; adapters go from Node to a tab and back. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'
import type { Browser } from 'playwright-core'

import { openGenerator } from '../../src/models/open_generator.ts'
import { withFolder } from '../data/helpers.ts'
import { writeTinyAdapter } from '../tiny_model.ts'
import { createTinyRun } from '../training/tiny_run.ts'
import type * as inside from './inside/keeping.ts'
import type { Tab } from './tab.ts'
import { openTab, startBrowser } from './tab.ts'

const texts = ['a dog is an animal', 'the sea is water', 'a hill is a small mountain', 'a lamp gives light']
const rows = texts.map((text) => ({ text }))
const common = { eval_steps: 3, save_steps: 1, per_device_train_batch_size: 2, learning_rate: 1e-2 }
const settings = { ...common, max_steps: 8, lora: { r: 4, lora_alpha: 8 } }
const prompts = ['a dog is', 'the sea']

describe('what a tab of Chromium keeps', function () {
  this.timeout(300_000)
  let browser: Browser
  before(async () => {
    browser = await startBrowser({ webgpu: false })
  })
  after(() => browser?.close())

  /** A tab on the tiny model and the data of a run. */
  const withTab = (use: (tab: Tab, folder: string) => Promise<void>) =>
    withFolder(async (folder) => {
      await createTinyRun(folder, rows, { ...common, max_steps: 8 })
      const tab = await openTab(browser, { files: folder })
      try {
        await use(tab, folder)
      } finally {
        await tab.close()
      }
    })
  const make = (tab: Tab, name: string, given: object = settings) =>
    tab.ask<typeof inside.make>('worker', 'keeping', 'make', { name, settings: given })
  const train = (tab: Tab, name: string, until?: number) =>
    tab.ask<typeof inside.train>('worker', 'keeping', 'train', { name, ...(until ? { until } : {}) })
  const digests = (tab: Tab, name: string) =>
    tab.ask<typeof inside.digests>('page', 'keeping', 'digests', { name })
  const stepOf = (tab: Tab, name: string) =>
    tab.ask<typeof inside.stepOf>('page', 'keeping', 'stepOf', { name })

  async function reload(tab: Tab): Promise<void> {
    await tab.page.reload()
    await tab.page.waitForFunction(() => 'ask' in globalThis)
  }

  it('goes on after a reload, and after a tab that was closed in the middle of a step, to the same bytes', () =>
    withTab(async (tab) => {
      for (const name of ['whole', 'paused', 'closed'])
        expect(await make(tab, name, { ...settings, max_steps: 40 })).to.equal('')
      await train(tab, 'whole')
      await train(tab, 'paused', 5)
      const closed = train(tab, 'closed').catch(() => undefined)
      while ((await stepOf(tab, 'closed')) < 3) await tab.page.waitForTimeout(20)
      await reload(tab)
      await closed
      expect(await stepOf(tab, 'paused')).to.equal(5)
      expect(await stepOf(tab, 'closed')).to.be.within(3, 39)
      for (const name of ['paused', 'closed']) {
        expect(await train(tab, name)).to.equal('')
        expect(await digests(tab, name), name).to.deep.equal(await digests(tab, 'whole'))
      }
    }))

  it('is trained by one tab at a time', () =>
    withTab(async (tab) => {
      await make(tab, 'run', { ...settings, max_steps: 200 })
      const first = train(tab, 'run', 40)
      while ((await stepOf(tab, 'run')) < 2) await tab.page.waitForTimeout(20)
      const second = await tab.ask<typeof inside.train>('page', 'keeping', 'train', { name: 'run' })
      expect(second).to.match(/in use by another tab of this browser/)
      expect(await first).to.equal('')
    }))

  it('stays where the storage is full', () =>
    withTab(async (tab) => {
      await make(tab, 'run')
      await train(tab, 'run', 2)
      const before = await digests(tab, 'run')
      const { origin } = new URL(tab.page.url())
      const devtools = await tab.page.context().newCDPSession(tab.page)
      await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1000 })
      expect(await train(tab, 'run')).to.match(/storage has no room for runs\/run\/.*; remove runs or models/)
      expect(await make(tab, 'other')).to.match(/storage has no room/)
      expect(await digests(tab, 'run')).to.deep.equal(before)
      await devtools.send('Storage.overrideQuotaForOrigin', { origin })
      expect(await train(tab, 'run')).to.equal('')
      expect(await stepOf(tab, 'run')).to.equal(8)
    }))

  it('is said to be gone where the storage is cleared while a run is trained, and can be made anew', () =>
    withTab(async (tab) => {
      expect(await make(tab, 'run', { ...settings, max_steps: 400 })).to.equal('')
      const training = train(tab, 'run')
      while ((await stepOf(tab, 'run')) < 2) await tab.page.waitForTimeout(20)
      const { origin } = new URL(tab.page.url())
      const devtools = await tab.page.context().newCDPSession(tab.page)
      await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' })
      expect(await training).to.match(/the run run is gone|storage was cleared/)
      const runFiles = () => tab.ask<typeof inside.runFiles>('page', 'keeping', 'runFiles')
      expect(await runFiles()).to.deep.equal([])
      expect(await make(tab, 'run')).to.equal('')
      expect(await train(tab, 'run')).to.equal('')
      expect(await stepOf(tab, 'run')).to.equal(8)
    }))

  it('has no name that a folder cannot have', () =>
    withTab(async (tab) => {
      await make(tab, 'run')
      await train(tab, 'run')
      const names = ['..', '../up']
      const sentences = await tab.ask<typeof inside.odd>('page', 'keeping', 'odd', { from: 'run', names })
      for (const [i, sentence] of sentences.entries())
        expect(sentence).to.match([/cannot be called/, /no run called/, /no file can be called/][i % 3]!)
    }))

  it('are adapters that write in Node what they write in a tab, and the other way round, swapped within 100 ms', () =>
    withTab(async (tab, folder) => {
      await writeTinyAdapter(join(folder, 'adapter'))
      await make(tab, 'run')
      await train(tab, 'run')
      const { config, model } = await tab.ask<typeof inside.adapterOf>('page', 'keeping', 'adapterOf', {
        name: 'run',
      })
      const trained = join(folder, 'trained')
      await mkdir(trained)
      await writeFile(join(trained, 'adapter_config.json'), config)
      await writeFile(join(trained, 'adapter_model.safetensors'), Buffer.from(model, 'base64'))
      const written = async (adapter?: string) => {
        const generator = await openGenerator(join(folder, 'model'), adapter ? { adapter } : {})
        const found = await generator.generate(prompts, { max_new_tokens: 16 })
        await generator.release()
        return found.map(({ tokens }) => tokens)
      }
      const plain = await written()
      const { tokens, milliseconds } = await tab.ask<typeof inside.swaps>('worker', 'keeping', 'swaps', {
        name: 'run',
        prompts,
      })
      expect(tokens).to.deep.equal([
        plain,
        await written(trained),
        await written(join(folder, 'adapter')),
        plain,
      ])
      // The second, third and fourth; the first follows the model itself.
      expect(Math.max(...milliseconds.slice(1))).to.be.below(100)
    }))
})
