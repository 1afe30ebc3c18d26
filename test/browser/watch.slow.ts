/**
 * The watching page in Chromium, on a run that grows, is stopped, resumed and ended. `npm run test:browser`.
 * @module
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { build } from 'vite'

import { withLock } from '../../src/formats/lock.ts'
import { truncateRecords } from '../../src/runs/log.ts'
import { startBrowser } from './tab.ts'
import { writtenLog, writeWatchedRun } from './watched_run.ts'

const project = join(import.meta.dirname, '..', '..')
const axe = createRequire(import.meta.url).resolve('axe-core')

/** Where pictures of the page are kept, to be looked at. */
const pictures = process.env['ORTUNE_PICTURES']

const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } } as const

interface Watching {
  readonly page: Page
  readonly url: string
}

describe('the page of ortune watch', function () {
  this.timeout('1 min')
  let browser: Browser
  let folder = ''
  before(async () => {
    await build({ configFile: join(project, 'page', 'vite.config.ts'), logLevel: 'warn' })
    browser = await startBrowser()
    folder = await mkdtemp(join(tmpdir(), 'ortune-watch-'))
  })
  after(async () => {
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Watches by the command itself; what the page complains of fails the test. */
  async function watching(
    run: string,
    use: (watching: Watching) => Promise<void>,
    look: Parameters<Browser['newContext']>[0] = {},
  ): Promise<void> {
    const { command, url } = await startWatch(run)
    const context = await browser.newContext({ viewport: SIZES.desktop, ...look })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) complaints.push(`it asks for ${request.url()}`)
    })
    try {
      await page.goto(url)
      await use({ page, url })
      expect(complaints).to.deep.equal([])
    } finally {
      await context.close()
      command.kill()
    }
  }

  const shown = (page: Page, text: string | RegExp) =>
    page.getByText(text).first().waitFor({ state: 'visible', timeout: 15_000 })

  it('draws a run while it goes on, is stopped, resumed and ended', async () => {
    const run = join(folder, 'dictionary')
    const log = join(run, 'log.jsonl')
    await writeWatchedRun(run, { steps: 0, total: 338 })
    await withLock(join(run, '.lock'), run, () =>
      watching(run, async ({ page }) => {
        await shown(page, 'curves appear with its first step')
        await appendFile(log, writtenLog(1, 120))
        await shown(page, 'step 120')
        await shown(page, /^running$/)
        const reader = page.getByRole('slider').first()
        expect(await reader.getAttribute('aria-valuemax')).to.equal('120')
        // The first process is killed after its checkpoint of step 100, and the next one goes on from there.
        await truncateRecords(log, 100)
        await shown(page, 'step 100')
        await appendFile(log, writtenLog(101, 180))
        await shown(page, 'step 180')
        await appendFile(log, writtenLog(181, 220))
        await shown(page, /steps?\/s · .* left|s\/step · .* left/)
        expect(await page.title()).to.equal('65 % · dictionary · ortune')
        await page.getByRole('slider').first().hover()
        await photograph(page, 'watch-running')
        await appendFile(log, writtenLog(221, 338))
        await shown(page, 'step 338')
      }),
    )
    await watching(run, async ({ page }) => {
      await shown(page, /^finished$/)
      expect(await page.getByRole('slider').count()).to.equal(3)
    })
  })

  it('is read with the keyboard, and as a table', async () => {
    const run = join(folder, 'keys')
    await writeWatchedRun(run, { steps: 338, total: 338 })
    await watching(run, async ({ page }) => {
      await shown(page, 'step 338')
      const reader = page.getByRole('slider', { name: 'Loss (nats): read it at a optimizer step' })
      for (let i = 0; i < 12 && !(await reader.evaluate((it) => it === document.activeElement)); i++)
        await page.keyboard.press('Tab')
      const said = () => reader.getAttribute('aria-valuetext')
      const valid = /^optimizer step (\d+): training [\d.]+, validation [\d.]+$/
      await page.keyboard.press('ArrowLeft')
      expect(await said())
        .to.match(valid)
        .and.include('step 337:')
      await page.keyboard.press('Home')
      expect(await said()).to.include('step 0:')
      await page.keyboard.press('PageUp')
      expect(await said()).to.match(/step 3[45]:/)
      await page.keyboard.press('Escape')
      expect(await said()).to.include('step 338:')
      await page.getByText('Numbers of Loss').click()
      await page.getByRole('rowheader').first().waitFor()
      expect(await page.getByRole('rowheader').allTextContents()).to.include.members(['0', '100', '338'])
    })
  })

  it('keeps the colours that were chosen', async () => {
    const run = join(folder, 'colours')
    await writeWatchedRun(run, { steps: 20, total: 338 })
    await watching(run, async ({ page }) => {
      const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
      await shown(page, 'step 20')
      const light = await ground()
      await page.getByRole('radio', { name: 'Dark' }).check({ force: true })
      const dark = await ground()
      expect(dark).not.to.equal(light)
      await page.reload()
      await shown(page, 'step 20')
      expect(await ground()).to.equal(dark)
      await page.getByRole('radio', { name: 'As the system' }).check({ force: true })
      expect(await ground()).to.equal(light)
    })
  })

  it('says so when the command has ended, and goes on when it is there again', async () => {
    const run = join(folder, 'lost')
    await writeWatchedRun(run, { steps: 40, total: 338 })
    const first = await startWatch(run)
    const page = await browser.newPage()
    let second: Started | undefined
    try {
      await page.goto(first.url)
      await shown(page, 'step 40')
      first.command.kill()
      await shown(page, 'The connection to “ortune watch” is lost')
      await appendFile(join(run, 'log.jsonl'), writtenLog(41, 50))
      second = await startWatch(run, '--port', new URL(first.url).port)
      await shown(page, 'step 50')
      expect(await page.getByText('is lost').count()).to.equal(0)
    } finally {
      first.command.kill()
      second?.command.kill()
      await page.close()
    }
  })

  it('says what is missing of a run, whatever its name, and goes on when it is there again', async () => {
    const run = join(folder, '.run-12:30:05')
    await writeWatchedRun(run, { steps: 40, total: 338 })
    await watching(run, async ({ page }) => {
      await shown(page, 'step 40')
      await rename(join(run, 'training.json'), join(run, 'other.json'))
      await shown(page, /12:30:05 has no training\.json any more\./)
      expect(await page.getByText('is lost').count()).to.equal(0)
      await rename(join(run, 'other.json'), join(run, 'training.json'))
      await page.getByText('has no training.json').waitFor({ state: 'detached', timeout: 15_000 })
      await appendFile(join(run, 'log.jsonl'), writtenLog(41, 50))
      await shown(page, 'step 50')
    })
  })

  it('lists the runs of a sweep, and shows the one that is chosen', async () => {
    const sweep = join(folder, 'sweep')
    await mkdir(sweep)
    await writeFile(join(sweep, 'sweep.json'), '{}')
    await writeWatchedRun(join(sweep, 'learning_rate=1e-3-0123456789ab'), { steps: 338, total: 338 })
    await writeWatchedRun(join(sweep, 'learning_rate=3e-3-ba9876543210'), { steps: 60, total: 338 })
    await watching(sweep, async ({ page }) => {
      await shown(page, 'step 60')
      await page.getByRole('link', { name: 'learning_rate=1e-3' }).click()
      await shown(page, 'step 338')
      await photograph(page, 'watch-sweep')
      expect(await violations(page)).to.deep.equal([])
    })
  })

  for (const colorScheme of ['light', 'dark'] as const)
    for (const [size, viewport] of Object.entries(SIZES))
      it(`is for everybody, and in one piece: ${colorScheme}, ${size}`, async () => {
        const run = join(folder, `ppo-${colorScheme}-${size}`)
        await writeWatchedRun(run, { steps: 210, total: 338, samples: true })
        await watching(
          run,
          async ({ page }) => {
            await shown(page, 'step 210')
            await page.getByText('Numbers of Loss').click()
            await page.getByRole('rowheader').first().waitFor()
            expect(await violations(page)).to.deep.equal([])
            await page.getByText('Numbers of Loss').click()
            const [inner, outer] = await page.evaluate(() => [
              document.documentElement.scrollWidth,
              document.documentElement.clientWidth,
            ])
            expect(inner, 'nothing stands out at the side').to.be.at.most(outer)
            await photograph(page, `watch-${colorScheme}-${size}`)
          },
          { viewport, colorScheme, reducedMotion: 'reduce' },
        )
      })
})

interface Started {
  readonly command: ChildProcess
  readonly url: string
}

async function startWatch(run: string, ...more: string[]): Promise<Started> {
  const main = join(project, 'src', 'cli', 'ortune.mjs')
  const command = spawn(process.execPath, [main, 'watch', run, '--json', ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(command, 'exit').then(() => {
    throw new Error('ortune watch ended before it served anything')
  })
  const [line] = (await Promise.race([once(command.stdout, 'data'), ended])) as [Buffer]
  ended.catch(() => undefined)
  return { command, url: (JSON.parse(String(line)) as { url: string }).url }
}

/** What axe-core finds, in a few words each. */
async function violations(page: Page): Promise<readonly string[]> {
  // The page's policy lets no text run as a script; a debugger's may.
  const session = await page.context().newCDPSession(page)
  await session.send('Runtime.evaluate', { expression: await readFile(axe, 'utf8') })
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: () => Promise<{ violations: Violation[] }> } }
    interface Violation {
      readonly id: string
      readonly nodes: readonly { readonly html: string }[]
    }
    return (await axe.run()).violations
  })
  return found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
}

async function photograph(page: Page, name: string): Promise<void> {
  if (pictures !== undefined)
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true, animations: 'disabled' })
}
