/** The program of docs/web.md, as it stands there. */
import { join } from 'node:path'

import { expect } from 'chai'
import type { Browser } from 'playwright-core'

import type * as inside from './inside/learn_by_example.ts'
import { openTab, startBrowser } from './tab.ts'

const root = join(import.meta.dirname, '..', '..')

describe('the example of docs/web.md in Chromium', function () {
  this.timeout(300_000)
  let browser: Browser
  before(async () => {
    browser = await startBrowser({ webgpu: false })
  })
  after(() => browser?.close())

  it('teaches the pocket model an answer', async () => {
    const tab = await openTab(browser, { files: join(root, 'artifacts') })
    const { first, last, text } = await tab.ask<typeof inside.learn>('worker', 'learn_by_example', 'learn')
    expect(last).to.be.below(first / 2)
    expect(text).to.include('tab')
    await tab.close()
  })
})
