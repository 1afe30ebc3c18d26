/**
 * Code in a tab of a real browser: Debian's Chromium, or the one that the variable CHROMIUM names. A test that finds none fails.
 * @module
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { chromium } from 'playwright-core'

import type { Question } from './page/question.ts'
import { serve } from './serve.ts'

const QUIET = [
  ...['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
]
/** Lets WebGPU run on the CPU where there is no GPU. */
const SOFTWARE_GPU = '--enable-unsafe-webgpu'

/** The browser. */
export const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

/** @param webgpu whether pages have WebGPU */
export const startBrowser = ({ webgpu = true } = {}): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: [...QUIET, ...(webgpu ? [SOFTWARE_GPU] : ['--disable-features=WebGPUService,WebGPU'])],
  })

export interface TabOptions {
  /** Whether it is cross-origin isolated, and so may have threads. Default true. */
  readonly isolated?: boolean
  /** A folder that its code finds under /files/. */
  readonly files?: string
}

export interface Tab {
  readonly page: Page
  /** Calls a function of a file of `inside`, in a worker or in the page. */
  ask<F extends (given: never) => unknown>(
    place: 'page' | 'worker',
    file: string,
    name: string,
    ...given: Parameters<F>
  ): Promise<Awaited<ReturnType<F>>>
  close(): Promise<void>
}

/** Opens the page of the tests. What it logs as an error fails what is asked next. */
export async function openTab(browser: Browser, { isolated = true, files }: TabOptions = {}): Promise<Tab> {
  const folders = { ...(files === undefined ? {} : { '/files/': files }), '/': builtPage() }
  const served = await serve(folders, { isolated })
  browser.once('disconnected', () => void served.close())
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', ({ message }) => errors.push(message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.goto(served.url)
  await page
    .waitForFunction(() => 'ask' in globalThis, null, { timeout: 10_000 })
    .catch((error: unknown) => {
      throw new Error(`the page of the tests did not start: ${errors.join('; ')}`, { cause: error })
    })
  return {
    page,
    async ask(place, file, name, given?: unknown) {
      const question: Question = { file, name, given }
      const value = await page.evaluate(
        ([question, place]) =>
          (globalThis as unknown as { ask: (question: Question, place: string) => Promise<unknown> }).ask(
            question,
            place,
          ),
        [question, place] as const,
      )
      if (errors.length > 0) throw new Error(`the tab logged: ${errors.splice(0).join('; ')}`)
      return value as never
    },
    close: () => page.close(),
  }
}

let built: string | undefined

/** The folder that the page is built into, once for all tests. */
function builtPage(): string {
  built ??= build(join(import.meta.dirname, 'page'))
  return built
}

/** Builds a page of Vite into a folder that lasts as long as this process. */
export function build(page: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ortune-tab-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const vite = join(import.meta.dirname, '..', '..', 'node_modules', 'vite', 'bin', 'vite.js')
  const args = [vite, 'build', page, '--outDir', folder, '--emptyOutDir', '--logLevel', 'error']
  execFileSync(process.execPath, args, { stdio: 'inherit' })
  return folder
}
