/** The page as a person uses it, on the pocket model. */
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import type { Browser, BrowserContext } from 'playwright-core'

import { chooseTask, learned, openPage, paste, section, start, stepOf, takeSample } from './on_page.ts'
import type { Site } from './site.ts'
import { servedSite } from './site.ts'
import { startBrowser } from './tab.ts'

describe('the page', function () {
  this.timeout(600_000)
  let site: Site
  let browser: Browser
  let context: BrowserContext
  let folder: string

  before(async () => {
    site = await servedSite()
    browser = await startBrowser()
    folder = await mkdtemp(join(tmpdir(), 'ortune-files-'))
  })
  after(async () => {
    await browser?.close()
    await site?.close()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  })
  afterEach(() => context.close())

  it('learns, is paused, reloaded and resumed, writes before and after, swaps and downloads', async () => {
    const page = await openPage(context, site.url)
    const faults: string[] = []
    page.on('pageerror', ({ message }) => faults.push(message))
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text())
    })
    await takeSample(page, 'Definitions')
    const seen = section(page, 'Examples')
    expect(await seen.locator('.pieces').first().innerText()).to.match(
      /^Word: abandon ; Definition: the trait/,
    )
    expect(await seen.locator('.pieces').first().locator('mark').innerText()).to.match(
      /^\s*the trait of lacking/,
    )

    await page.evaluate(() => {
      const long: number[] = []
      new PerformanceObserver((list) =>
        long.push(...list.getEntries().map(({ duration }) => duration)),
      ).observe({
        type: 'longtask',
      })
      Object.assign(globalThis, { long })
    })
    await start(page, { Steps: '24', Name: 'words' })
    const learn = section(page, 'Learn')
    await learn.getByText(/steps\/s|s\/step/).waitFor()
    // The keyboard goes on where the button was.
    await page.waitForFunction(() => document.activeElement?.textContent === 'Pause')
    await learn.getByRole('button', { name: 'Pause' }).click()
    await page.getByText(/words is paused at step/).waitFor()
    await page.waitForFunction(() => document.activeElement?.textContent === 'Resume')
    const paused = await stepOf(page)
    expect(paused).to.be.within(1, 23)
    // Tasks of 50 ms and more: of the page there are none, and a machine with other work to do makes few.
    const long = await page.evaluate(() => (globalThis as unknown as { long: number[] }).long)
    expect(long.length, `tasks of ${long.join(', ')} ms`).to.be.below(4)

    await page.reload()
    await learn.getByRole('button', { name: 'Resume' }).click()
    await learned(page, 'words')
    expect(await stepOf(page)).to.equal(24)

    const compare = section(page, 'Compare')
    await compare.getByRole('button', { name: 'Write' }).click()
    await compare.getByText(/swapped in/).waitFor()
    const [before, after] = await compare.locator('.answer-text').allInnerTexts()
    expect(before).to.be.a('string').and.not.equal('')
    expect(after).to.be.a('string').and.not.equal(before)

    const kept = section(page, 'Kept in this browser')
    await kept.getByRole('button', { name: 'Keep what words has learned' }).click()
    await page.getByText('What words has learned is kept as the adapter').waitFor()
    await compare.getByLabel('Who writes after').selectOption('adapter/words')
    await compare.getByText(/swapped in/).waitFor()
    expect((await compare.locator('.answer-text').allInnerTexts())[1]).to.equal(after)
    await compare.getByRole('button', { name: 'Write' }).click()
    await compare.getByText(/swapped in/).waitFor()
    const swap = Number(/swapped in ([\d.]+) ms/.exec(await compare.innerText())![1])
    expect(swap).to.be.below(100)

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      kept.getByRole('button', { name: 'Download words' }).click(),
    ])
    expect(download.suggestedFilename()).to.equal('words.zip')
    const zip = (await readFile(await download.path())).toString('latin1')
    for (const file of ['adapter_config.json', 'adapter_model.safetensors'])
      expect(zip).to.include(`words/${file}`)

    await page.reload()
    await kept.getByText('step 24 of 24 · finished').waitFor()
    await kept.getByRole('button', { name: 'Use words' }).waitFor()
    expect(faults).to.deep.equal([])
  })

  it('classifies', async () => {
    const page = await openPage(context, site.url)
    await chooseTask(page, 'Classify')
    await takeSample(page, 'Parts of speech')
    await start(page, { Steps: '12', Name: 'kinds' })
    await learned(page, 'kinds')
    await section(page, 'Compare').getByRole('button', { name: 'Classify' }).click()
    await page.locator('.bar').nth(3).waitFor()
    const shares = (await page.locator('.bar-value').allInnerTexts()).map((text) => parseFloat(text))
    expect(shares.reduce((a, b) => a + b)).to.be.closeTo(100, 0.5)

    const kept = section(page, 'Kept in this browser')
    await kept.getByRole('button', { name: 'Keep what kinds has learned' }).click()
    await page.getByText('What kinds has learned is kept as the adapter').waitFor()
    await section(page, 'Compare').getByLabel('By').selectOption('adapter/kinds')
    await page.locator('.bar').first().waitFor({ state: 'detached' })
    await section(page, 'Compare').getByRole('button', { name: 'Classify' }).click()
    await page.locator('.bar').nth(3).waitFor()
    expect((await page.locator('.bar-value').allInnerTexts()).map((text) => parseFloat(text))).to.deep.equal(
      shares,
    )
  })

  it('is told how rows of other columns become examples', async () => {
    const page = await openPage(context, site.url)
    const examples = section(page, 'Examples')
    const piece = examples.locator('.pieces').first()
    const retell = examples.getByRole('button', { name: 'Make examples so' })
    await chooseTask(page, 'Classify')
    const rows = Array.from(
      { length: 24 },
      (_, i) => `A film for the ${i}th time.,${i % 2 === 0 ? 'good' : 'bad'}`,
    )
    await paste(page, ['review,sentiment', ...rows].join('\n'))
    await examples
      .getByRole('alert')
      .getByText(/columns \(review, sentiment\).*How rows become examples/)
      .waitFor()
    await retell.waitFor()
    expect(await examples.getByLabel('Text', { exact: true }).inputValue()).to.equal('{{ review }}')
    expect(await examples.getByLabel('Class', { exact: true }).inputValue()).to.equal('{{ sentiment }}')
    await examples.getByLabel('Class', { exact: true }).fill('')
    await retell.click()
    await examples.getByRole('alert').getByText('made of text and label').waitFor()
    await examples.getByLabel('Class', { exact: true }).fill('{{ sentiment }}')
    await retell.click()
    await piece.waitFor()
    expect(await examples.innerText()).to.include('bad, good')

    await examples.getByText('How rows become examples').click()
    await examples.getByLabel('Text', { exact: true }).fill('Review: {{ review }}')
    await retell.click()
    await piece.getByText(/^Review: A film for/).waitFor()
    await start(page, { Steps: '2', Name: 'told' })
    await learned(page, 'told')

    await chooseTask(page, 'Reward')
    const prompts = Array.from({ length: 12 }, (_, i) => `Word: lamp ${i} ; Definition:`)
    await paste(page, prompts.join('\n'))
    await piece.getByText(/^Word: lamp \d+ ; Definition:/).waitFor()
  })

  it('learns from thumbs, given by keys', async () => {
    const page = await openPage(context, site.url)
    await chooseTask(page, 'Prefer')
    const thumbs = section(page, 'Thumbs')
    await thumbs.getByRole('button', { name: 'Two answers' }).click()
    for (let pair = 1; pair <= 6; pair++) {
      await thumbs
        .getByRole('button', { name: /Answer 1 is better/ })
        .and(page.locator(':enabled'))
        .waitFor()
      await page.getByRole('heading', { level: 1 }).click()
      await page.keyboard.press(pair % 2 === 1 ? '1' : '2')
      await thumbs
        .getByRole('button', { name: pair === 1 ? 'Take this pair as examples' : `these ${pair} pairs` })
        .waitFor()
    }
    await thumbs.getByRole('button', { name: /^Take .* as examples$/ }).click()
    await page.getByText('Token by token').waitFor()
    await start(page, { Steps: '4', 'Examples a step': '2', Name: 'liked' })
    await learned(page, 'liked')
  })

  it('learns what a function of the page rewards', async () => {
    const page = await openPage(context, site.url)
    await chooseTask(page, 'Reward')
    const reward = section(page, 'Reward')
    await reward.getByLabel('The reward').fill('(sample) => sample.response.nothing.length')
    await reward.getByRole('button', { name: 'Try it' }).click()
    await reward.getByText(/TypeError/).waitFor()
    await reward.getByLabel('The reward').fill('(sample) => (sample.response.match(/e/g) ?? []).length / 10')
    await reward.getByRole('button', { name: 'Try it' }).click()
    await reward.getByText('Two samples of the model').waitFor()
    await takeSample(page, 'Words')
    await start(page, { Steps: '2', 'Examples a step': '4', Name: 'letters' })
    await learned(page, 'letters')
    expect(await section(page, 'Learn').locator('.score').count()).to.be.above(0)
  })

  it('says in a sentence what is wrong with what it is given', async () => {
    const page = await openPage(context, site.url)
    const examples = section(page, 'Examples')
    const file = examples.locator('input[type=file]')
    const says = async (text: RegExp) => examples.getByRole('alert').getByText(text).waitFor()

    await file.setInputFiles({ name: 'cat.png', mimeType: 'image/png', buffer: Buffer.from('PNG') })
    await says(/cat\.png is no file of examples/)
    await file.setInputFiles({ name: 'cat.parquet', mimeType: '', buffer: Buffer.from('no table at all') })
    await says(/cat\.parquet/)
    const large = join(folder, 'large.csv')
    await writeFile(large, 'text\n')
    await truncate(large, 3e9)
    await file.setInputFiles(large)
    await says(/large\.csv has 3\.0 GB, and a tab reads at most/)

    const model = section(page, 'Model')
    const picture = join(folder, 'pictures')
    await mkdir(picture)
    await writeFile(join(picture, 'cat.png'), 'PNG')
    await model.locator('input[type=file]').setInputFiles(picture)
    await model
      .getByRole('alert')
      .getByText(/no config\.json/)
      .waitFor()
    expect(await page.getByText('fault of ortune').count()).to.equal(0)
  })

  it('trains a run in one tab at a time', async () => {
    const page = await openPage(context, site.url)
    await takeSample(page, 'Definitions')
    await start(page, { Steps: '500', Name: 'long' })
    await section(page, 'Learn')
      .getByText(/steps\/s|s\/step/)
      .waitFor()
    const other = await openPage(context, site.url)
    await section(other, 'Kept in this browser')
      .getByRole('button', { name: /(Start|Resume) long/ })
      .click()
    await section(other, 'Learn').getByRole('alert').getByText(/tab/).waitFor()
    await section(page, 'Learn').getByRole('button', { name: 'Pause' }).click()
    await page.getByText(/long is paused at step/).waitFor()
  })

  const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [1280, 390])
      it(`has no barrier in ${colorScheme} colours at ${width} pixels`, async () => {
        const own = await browser.newContext({
          viewport: { width, height: 900 },
          colorScheme,
          bypassCSP: true,
        })
        try {
          const page = await openPage(own, site.url)
          await page.addScriptTag({ path: axe })
          const barriers = async (): Promise<string[]> => {
            // Colours change within 120 ms.
            await page.waitForTimeout(300)
            return page.evaluate(async () => {
              const { axe } = globalThis as unknown as {
                axe: { run(): Promise<{ violations: { id: string; nodes: { target: string[] }[] }[] }> }
              }
              const { violations } = await axe.run()
              return violations.flatMap(({ id, nodes }) =>
                nodes.map(({ target }) => `${id}: ${target.join(' ')}`),
              )
            })
          }
          expect(await barriers(), 'at the beginning').to.deep.equal([])
          await chooseTask(page, 'Prefer')
          await takeSample(page, 'Preferences')
          expect(await barriers(), 'with thumbs').to.deep.equal([])
          await chooseTask(page, 'Reward')
          expect(await barriers(), 'with a reward').to.deep.equal([])
          await chooseTask(page, 'Write')
          await takeSample(page, 'Definitions')
          await start(page, { Steps: '6', Name: 'short' })
          await learned(page, 'short')
          await section(page, 'Compare').getByRole('button', { name: 'Write' }).click()
          await page.getByText(/swapped in/).waitFor()
          await page.getByRole('button', { name: 'Keep what short has learned' }).click()
          await page.getByText('is kept as the adapter').waitFor()
          for (const summary of await page.locator('summary').all()) await summary.click()
          expect(await barriers(), 'at the end').to.deep.equal([])
          const overflow = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          )
          expect(overflow).to.be.at.most(0)
        } finally {
          await own.close()
        }
      })
})
