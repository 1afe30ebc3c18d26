/** The runtimes of a tab do what those of Node do. */
import { expect } from 'chai'
import type { Browser } from 'playwright-core'

import type * as scenarios from './inside/scenarios.ts'
import { openTab, startBrowser } from './tab.ts'

describe('in a tab of Chromium', function () {
  this.timeout(600_000)
  let browser: Browser
  before(async () => {
    browser = await startBrowser()
  })
  after(() => browser?.close())

  for (const provider of ['wasm', 'webgpu'] as const)
    for (const of of ['session', 'state'] as const)
      it(`a ${of} on ${provider} is what it is in Node`, async () => {
        const tab = await openTab(browser)
        const { passed, failed } = await tab.ask<typeof scenarios.run>('page', 'scenarios', 'run', {
          of,
          provider,
        })
        await tab.close()
        expect(failed).to.deep.equal([])
        expect(passed).to.have.length.above(5)
      })
})
