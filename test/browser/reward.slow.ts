/** Reward functions run, and reach nothing. */
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'

import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'

import type { Answer } from '../../page/reward/messages.ts'
import type { Site } from './site.ts'
import { plainSite, servedSite } from './site.ts'
import { startBrowser } from './tab.ts'

const SAMPLES = [
  { prompt: 'a', response: ' one' },
  { prompt: 'b', response: ' three' },
]

type Asking = { ask(reward: string): Promise<Answer> }

/** Brings the sandbox as the page does. */
async function openSandbox(page: Page, url: string): Promise<(reward: string) => Promise<Answer>> {
  // What tsx names functions with.
  await page.addInitScript('globalThis.__name = (f) => f')
  await page.goto(`${url}watch.html`)
  await page.evaluate(async (samples) => {
    const frame = document.createElement('iframe')
    frame.sandbox.add('allow-scripts')
    frame.src = './reward.html'
    const loaded = new Promise((resolve) => frame.addEventListener('load', resolve))
    document.body.append(frame)
    await loaded
    const { port1, port2 } = new MessageChannel()
    frame.contentWindow!.postMessage('connect', '*', [port1])
    let id = 0
    Object.assign(globalThis, {
      ask: (reward: string) =>
        new Promise((resolve) => {
          port2.onmessage = ({ data }) => resolve(data)
          port2.postMessage({ id: ++id, reward, samples })
        }),
    })
  }, SAMPLES)
  return (reward) => page.evaluate((reward) => (globalThis as unknown as Asking).ask(reward), reward)
}

for (const [host, open] of [
  ['ortune serve', servedSite],
  ['a host of static files', plainSite],
] as const)
  describe(`a reward function on a page of ${host}`, function () {
    this.timeout(120_000)
    let site: Site
    let browser: Browser
    let page: Page
    let ask: (reward: string) => Promise<Answer>
    let listener: Server
    /** Of anyone, to what nobody may reach. */
    let connections = 0
    let port: number

    before(async () => {
      listener = createServer((socket) => {
        connections++
        socket.destroy()
      })
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
      port = (listener.address() as AddressInfo).port
      site = await open()
      browser = await startBrowser()
      page = await browser.newPage()
      ask = await openSandbox(page, site.url)
    })
    after(async () => {
      await browser?.close()
      await site?.close()
      listener?.close()
    })

    const scoresOf = async (reward: string): Promise<unknown> => {
      const answer = await ask(reward)
      return 'scores' in answer ? answer.scores : answer.error
    }

    it('scores samples', async () => {
      expect(await scoresOf('(sample) => sample.response.length')).to.deep.equal([4, 6])
      expect(
        await scoresOf('// one\nasync function reward({ prompt }) { return prompt === "a" ? 1 : -1 };\n'),
      ).to.deep.equal([1, -1])
      expect(await scoresOf('const one = 1\nexport default () => one / 2')).to.deep.equal([0.5, 0.5])
    })

    it('is refused with what is wrong with it', async () => {
      for (const [reward, says] of [
        ['(sample) => {', /SyntaxError/],
        ['(sample) => sample.respons.length', /TypeError: .*undefined/],
        ['(sample) => "3"', /it gave "3" for the response " one"; a score is a finite number/],
        ['(sample) => 0 / 0', /it gave NaN/],
        ['(sample) => {}', /it gave undefined/],
        ['17', /it is no function/],
        ['() => { throw new Error("no words") }', /no words/],
      ] as const)
        expect(await scoresOf(reward), reward).to.match(says)
    })

    it('is ended where it takes too long, and the next one runs', async () => {
      expect(await scoresOf('() => { for (;;); }')).to.match(/longer than 5 seconds/)
      expect(await scoresOf('() => new Promise(() => {})')).to.match(/longer than 5 seconds/)
      expect(await scoresOf('() => 1')).to.deep.equal([1, 1])
    })

    it('reaches no network, whatever it tries', async () => {
      const address = `127.0.0.1:${port}/`
      const none = `.then(() => 'reached', () => 'refused')`
      const settled = (made: string) =>
        `new Promise((resolve) => { const it = ${made}; it.onopen = it.onload = () => resolve('reached'); it.onerror = () => resolve('refused') })`
      for (const attempt of [
        `fetch('http://${address}')${none}`,
        `fetch('${site.url}models.json')${none}`,
        `import('http://${address}a.js')${none}`,
        `import('${site.url}theme.js')${none}`,
        `(async () => importScripts('http://${address}a.js'))()${none}`,
        `(async () => importScripts('${site.url}theme.js'))()${none}`,
        `(async () => { const x = new XMLHttpRequest(); x.open('GET', 'http://${address}', false); x.send() })()${none}`,
        settled(`new WebSocket('ws://${address}')`),
        settled(`new EventSource('http://${address}')`),
        `new WebTransport('https://${address}').ready${none}`,
        `(async () => new Worker('http://${address}a.js'))()${none}`,
      ]) {
        const reward = `async () => { const got = await (async () => ${attempt})().catch(() => 'refused'); return got === 'refused' ? 0 : 1 }`
        expect(await scoresOf(reward), attempt).to.deep.equal([0, 0])
      }
      expect(connections).to.equal(0)
    })

    it('reaches nothing that the page keeps', async () => {
      for (const attempt of [
        `navigator.storage.getDirectory()`,
        `new Promise((resolve, reject) => { const it = indexedDB.open('a'); it.onsuccess = resolve; it.onerror = reject })`,
        `caches.open('a')`,
      ]) {
        const reward = `() => (async () => ${attempt})().then(() => 1, () => 0)`
        expect(await scoresOf(reward), attempt).to.deep.equal([0, 0])
      }
    })

    it('runs code from texts no more than the page does', async () => {
      expect(await scoresOf('() => eval("1")')).to.match(/EvalError/)
    })
  })
