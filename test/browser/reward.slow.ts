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
      // Whatever stands behind it.
      for (const reward of [
        '(s) => 1; // hm',
        '(s) => 1 // see http://a.example; // or not',
        '(s) => 1;\n/* one */ /* two */;\n// three\n',
        '(s) => s.response.includes("//") ? 0 : 1; // hm',
        '(s) => "/*".length - 1; /* hm */',
      ])
        expect(await scoresOf(reward), reward).to.deep.equal([1, 1])
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
        ...['', ' \n', ';', '// nothing yet\n/* nor here */'].map(
          (reward) =>
            [reward, /^TypeError: there is nothing in it; write a function such as \(sample\) =>/] as const,
        ),
        ['(s) => s.response +; // hm', /^SyntaxError/],
        ['() => Symbol("one")', /it gave symbol for the response " one"; a score/],
        ['() => { throw null }', /^it threw null$/],
        ['() => { throw Symbol("one") }', /^it threw symbol$/],
        ['() => { throw { get message() { throw 1 } } }', /^it threw object$/],
        [
          '() => { throw Object.defineProperty(new Error(), "message", { get() { throw 1 } }) }',
          /^it threw object$/,
        ],
        ['() => { const e = new Error("a"); e.name = Symbol("b"); throw e }', /^it threw object$/],
      ] as const)
        expect(await scoresOf(reward), reward).to.match(says)
    })

    it('is told of in some words, however many there are', async () => {
      const many = '"x".repeat(5e7)'
      for (const reward of [
        `() => { throw new Error(${many}) }`,
        `() => { throw ${many} }`,
        `() => ${many}`,
        `() => new Promise(() => setTimeout(() => { throw new Error(${many}) }))`,
        `() => { for (let id = 0; id < 99; id++) postMessage({ id, error: ${many.replace('5e7', '1e5')} }); for (;;); }`,
      ]) {
        const said = await scoresOf(reward)
        expect(said, reward).to.be.a('string').and.to.match(/xxx/)
        expect((said as string).length, reward).to.be.within(100, 800)
      }
      expect(await scoresOf('() => 1')).to.deep.equal([1, 1])
    })

    it('gives scores by its value alone, whatever else it posts', async () => {
      for (const posted of [
        '{ id: 1e9, scores: [1, 1] }',
        'null',
        '"hm"',
        '{ scores: [1, 1] }',
        ...['[1]', '["1", 1]', '[, 1]', '[NaN, 1]', '{ length: 2 }', '[1, 1, 1]'].map(
          (scores) => `...Array.from({ length: 99 }, (_, id) => ({ id, scores: ${scores} }))`,
        ),
      ]) {
        const reward = `() => { for (const posted of [${posted}]) postMessage(posted); return 2 }`
        expect(await scoresOf(reward), reward).to.deep.equal([2, 2])
      }
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
