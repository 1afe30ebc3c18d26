/** What a visit that trains loads of ours: the page's own scripts, styles and documents, as a server sends them compressed. */
import { gzipSync } from 'node:zlib'

import { expect } from 'chai'
import type { Browser, BrowserContext } from 'playwright-core'

import { learned, openPage, section, start, takeSample } from './on_page.ts'
import type { Site } from './site.ts'
import { servedSite } from './site.ts'
import { startBrowser } from './tab.ts'

/** Bytes, gzipped; ONNX Runtime, the model and the data aside. */
const MOST = 150_000

/** A size above it shows that the visit has loaded what trains, and this has counted it. */
const LEAST = 100_000

/** ONNX Runtime lies in ort/, models in models/. */
const isOurs = (path: string): boolean =>
  !/^\/(?:ort|models)\//.test(path) && (path.endsWith('/') || /\.(?:html|js|mjs|css|svg)$/.test(path))

const table = (sizes: ReadonlyMap<string, number>): string =>
  [...sizes]
    .sort(([, one], [, other]) => other - one)
    .map(([path, size]) => `${String(size).padStart(8)}  ${path}`)
    .join('\n')

describe('the size of the page', function () {
  this.timeout(300_000)
  let site: Site
  let browser: Browser

  before(async () => {
    site = await servedSite()
    browser = await startBrowser()
  })
  after(async () => {
    await browser?.close()
    await site?.close()
  })

  /** Gzipped sizes, by their paths, of all that is loaded of ours in pages and workers. */
  function observed(context: BrowserContext): () => Promise<ReadonlyMap<string, number>> {
    const loaded = new Map<string, Promise<number>>()
    context.on('response', (response) => {
      const { pathname } = new URL(response.url())
      if (isOurs(pathname))
        loaded.set(
          pathname,
          response.body().then((body) => gzipSync(body).length),
        )
    })
    return async () =>
      new Map(await Promise.all([...loaded].map(async ([path, size]) => [path, await size] as const)))
  }

  it(`is at most ${MOST / 1000} kB on a visit that trains and compares`, async () => {
    const context = await browser.newContext()
    const sizes = observed(context)
    const page = await openPage(context, site.url)
    await takeSample(page, 'Instructions')
    await start(page, { Steps: '2', Name: 'mine' })
    await learned(page, 'mine')
    const compare = section(page, 'Compare')
    await compare.getByRole('button', { name: 'Write' }).click()
    await compare.getByText(/swapped in/).waitFor()
    const all = await sizes()
    await context.close()
    const sum = [...all.values()].reduce((so, size) => so + size, 0)
    expect(sum, `\n${table(all)}\n`).to.be.within(LEAST, MOST)
  })

  it('has nunjucks beside it, for templates that have more than columns', async () => {
    const context = await browser.newContext()
    const sizes = observed(context)
    const page = await openPage(context, site.url)
    const rows = Array.from(
      { length: 30 },
      (_, i) => `Name it ${i}.,${i % 2 === 0 ? `Hint ${i}` : ''},A cat ${i}`,
    )
    const examples = section(page, 'Examples')
    await examples.locator('input[type=file]').setInputFiles({
      ...{ name: 'hints.csv', mimeType: 'text/csv' },
      buffer: Buffer.from(['instruction,context,response', ...rows].join('\n')),
    })
    await page.getByText('Token by token').waitFor()
    const texts = await examples.locator('.pieces').allInnerTexts()
    // A section of the template that is left out where a row has no context.
    expect(new Set(texts.map((text) => /### Context: Hint/.test(text)))).to.deep.equal(new Set([true, false]))
    const loaded = [...(await sizes()).keys()]
    await context.close()
    expect(loaded.filter((path) => path.includes('nunjucks'))).to.have.lengthOf(1)
  })
})
