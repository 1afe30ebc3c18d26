/**
 * The page as people get it: built, and served by `ortune serve` or by a host of static files.
 * @module
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Browser } from 'playwright-core'
import { chromium } from 'playwright-core'
import sirv from 'sirv'

import { isWebRuntimeFile, webRuntimeFolder } from '../../src/runtime/web_files.ts'
import { folderRoute } from '../../src/serve/folder.ts'
import { modelRoutes, namedModels } from '../../src/serve/models.ts'
import { openServer } from '../../src/serve/server.ts'

const project = join(import.meta.dirname, '..', '..')

/** Debian's Chromium, or the one that the variable CHROMIUM names. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    headless: true,
    args: [
      ...['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'],
      ...['--disable-component-update', '--disable-sync'],
    ],
  })

export interface Site {
  readonly url: string
  close(): Promise<void>
}

/** As `ortune serve` does: isolated, and with its policies. */
export async function servedSite(): Promise<Site> {
  const models = await namedModels([join(project, 'artifacts', 'pocket')])
  const runtime = folderRoute(webRuntimeFolder(), { under: ['ort'], serves: isWebRuntimeFile })
  const page = folderRoute(builtPage(), { index: 'index.html' })
  return openServer([...(await modelRoutes(models)), runtime, page])
}

/** Files and nothing else, as a plain host has them. */
export async function plainSite(): Promise<Site> {
  const handle = sirv(builtPage(), { dev: true })
  const server = createServer((request, response) =>
    handle(request, response, () => void response.writeHead(404).end()),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

let built: string | undefined

/** The folder that the page is built into, once for all tests. */
export function builtPage(): string {
  if (built !== undefined) return built
  const folder = mkdtempSync(join(tmpdir(), 'ortune-page-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const vite = join(project, 'node_modules', 'vite', 'bin', 'vite.js')
  const args = [
    vite,
    'build',
    join(project, 'page'),
    '--outDir',
    folder,
    '--emptyOutDir',
    '--logLevel',
    'error',
  ]
  execFileSync(process.execPath, args, { stdio: 'inherit' })
  return (built = folder)
}
