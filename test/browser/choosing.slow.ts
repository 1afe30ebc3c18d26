/** What a page computes with, and what it says where that is missing or lost. */
import { expect } from 'chai'
import type { Browser } from 'playwright-core'

import type * as choosing from './inside/choosing.ts'
import { openTab, startBrowser } from './tab.ts'

describe('what a page computes with', function () {
  this.timeout(120_000)
  const browsers: Browser[] = []
  after(() => Promise.all(browsers.map((browser) => browser.close())))
  async function tabOf(webgpu: boolean, isolated: boolean) {
    const browser = await startBrowser({ webgpu })
    browsers.push(browser)
    const tab = await openTab(browser, { isolated })
    return {
      choose: (provider: 'wasm' | 'webgpu' | 'auto') =>
        tab.ask<typeof choosing.choose>('worker', 'choosing', 'choose', { provider }),
      lose: () => tab.ask<typeof choosing.lose>('worker', 'choosing', 'lose'),
    }
  }

  it('is told, and why', async () => {
    const tab = await tabOf(true, true)
    expect(await tab.choose('wasm')).to.match(/^computed with WebAssembly, on (one thread|\d threads)$/)
    expect(await tab.choose('webgpu')).to.match(/^computed with WebGPU, on \S/)
    expect(await tab.choose('auto')).to.match(/WebAssembly.*; WebGPU has no GPU here, but a program/)
  })

  it('is one thread of WebAssembly in a page that is not isolated and has no WebGPU', async () => {
    const tab = await tabOf(false, false)
    expect(await tab.choose('auto')).to.match(/on one thread, as threads need .*Opener-Policy.*; .*WebGPU/)
    expect(await tab.choose('webgpu')).to.match(/^UserError: [^\n]*WebGPU[^\n]*; use the provider 'wasm'$/)
  })

  it('may be lost, which is told, and found again', async () => {
    const { told, after } = await (await tabOf(true, true)).lose()
    expect(told).to.match(/^UserError: the GPU was lost[^\n]*last checkpoint/)
    expect(after).to.deep.equal([2, 4])
  })
})
