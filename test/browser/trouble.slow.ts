/** The page on WebGPU, and where the GPU or the server is lost. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import type { Browser, BrowserContext, Page, Worker } from 'playwright-core'

import { writeTinyModel } from '../tiny_model.ts'
import { chooseTask, learned, openPage, section, start, stepOf, takeSample } from './on_page.ts'
import type { Site } from './site.ts'
import { servedSite } from './site.ts'
import { startBrowser } from './tab.ts'

describe('the page in trouble', function () {
  this.timeout(300_000)
  let folder: string
  let site: Site
  let browser: Browser
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ortune-trouble-'))
    await writeTinyModel(join(folder, 'tiny'))
    site = await servedSite(join(folder, 'tiny'))
    browser = await startBrowser()
  })
  after(async () => {
    await browser?.close()
    await site?.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Waits until so many steps are shown. */
  const atStep = (page: Page, step: number) =>
    page.waitForFunction(
      (step) => Number(document.querySelector('.live progress')?.getAttribute('value')) >= step,
      step,
    )
  /** Something that training was told, in its section. */
  const says = (page: Page, text: RegExp) =>
    section(page, 'Learn').getByRole('alert').getByText(text).waitFor()

  it('trains and writes on WebGPU, and goes on from its checkpoint when the GPU is lost', async () => {
    const context = await browser.newContext()
    await noteDevices(context)
    const workers: Worker[] = []
    context.on('page', (page) => page.on('worker', (worker) => workers.push(worker)))
    const page = await openPage(context, site.url, 'webgpu')
    await page
      .getByText(/^WebGPU/)
      .first()
      .waitFor()
    await takeSample(page, 'Definitions')
    // Evaluations take long on a GPU in software.
    await section(page, 'Learn').getByText('More settings').click()
    await start(page, {
      ...{ Steps: '14', Name: 'lost', 'Examples a step': '1', Rank: '2' },
      'Other keys of a configuration': 'save_steps: 1\neval_steps: 14',
    })
    await atStep(page, 3)
    // Those that it has made in turn are threads, which wait for work and answer nothing.
    expect(await loseDevices(workers[0]!)).to.equal(1)
    await says(page, /The GPU was lost.*go on from the last checkpoint/)
    await section(page, 'Learn')
      .getByRole('button', { name: /^(Start|Resume)$/ })
      .click()
    await learned(page, 'lost')
    expect(await stepOf(page)).to.equal(14)
    await section(page, 'Compare').getByRole('button', { name: 'Write' }).click()
    await section(page, 'Compare')
      .getByText(/swapped in/)
      .waitFor()
    await context.close()
  })

  it('keeps its checkpoint and says so where the storage is full', async () => {
    const context = await browser.newContext()
    const page = await openPage(context, site.url)
    await takeSample(page, 'Definitions')
    // Nothing is to be kept but at a pause.
    await section(page, 'Learn').getByText('More settings').click()
    await start(page, {
      ...{ Steps: '4000', Name: 'full', 'Examples a step': '1' },
      'Other keys of a configuration': 'save_steps: 4000\neval_steps: 4000',
    })
    await atStep(page, 3)
    await section(page, 'Learn').getByRole('button', { name: 'Pause' }).click()
    await page.getByText(/full is paused at step/).waitFor()
    const paused = await stepOf(page)
    const { origin } = new URL(page.url())
    const devtools = await context.newCDPSession(page)
    await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1000 })
    await section(page, 'Learn').getByRole('button', { name: 'Resume' }).click()
    await atStep(page, paused + 3)
    await section(page, 'Learn').getByRole('button', { name: 'Pause' }).click()
    await says(page, /storage has no room for runs\/full\/.*; remove runs or models/)
    expect(await stepOf(page)).to.equal(paused)
    await devtools.send('Storage.overrideQuotaForOrigin', { origin })
    await page.reload()
    await section(page, 'Kept in this browser')
      .getByText(`step ${paused.toLocaleString('en')} of 4,000 · stopped`)
      .waitFor()
    await context.close()
  })

  it('lists an adapter that is damaged, says why, and removes it', async () => {
    const context = await browser.newContext()
    const page = await openPage(context, site.url)
    await page.evaluate(async () => {
      let folder = await navigator.storage.getDirectory()
      for (const name of ['ortune', 'adapters', 'broken'])
        folder = await folder.getDirectoryHandle(name, { create: true })
      const file = await folder.getFileHandle('adapter_config.json', { create: true })
      const writable = await file.createWritable()
      await writable.write('{"peft_type": "LORA", "r": 1')
      await writable.close()
    })
    await page.reload()
    await section(page, 'Model').getByText('open', { exact: true }).waitFor()
    const kept = section(page, 'Kept in this browser')
    await kept.getByText(/^broken\/adapter_config\.json is not valid JSON/).waitFor()
    await kept.getByRole('button', { name: 'Remove the adapter broken' }).click()
    await kept.getByRole('button', { name: /^Really remove/ }).click()
    await kept.getByText('broken', { exact: true }).waitFor({ state: 'detached' })
    await context.close()
  })

  it('says that a part of it cannot be fetched, and has it when the server is there again', async () => {
    const context = await browser.newContext()
    const page = await openPage(context, site.url)
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(String(error)))
    const unfetched = page.getByRole('alert').getByText('A part of this page could not be fetched.')
    const file = join(import.meta.dirname, '..', 'data', 'fixtures', 'rows_snappy.parquet')
    const give = () => section(page, 'Examples').locator('input[type=file]').setInputFiles(file)
    await context.setOffline(true)
    await give()
    await unfetched.first().waitFor()
    await context.setOffline(false)
    await give()
    await page
      .getByText(
        /rows_snappy\.parquet: its columns \(word, label, .*\) do not tell how a row becomes an example/,
      )
      .waitFor()
    expect(await unfetched.count()).to.equal(0)
    await context.setOffline(true)
    await chooseTask(page, 'Reward')
    await unfetched.first().waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
    await unfetched.first().waitFor()
    await context.setOffline(false)
    await page.getByRole('button', { name: 'Try again' }).click()
    await section(page, 'Reward').waitFor()
    expect(await unfetched.count()).to.equal(0)
    expect(errors).to.deep.equal([])
    await context.close()
  })
})

/** Has the worker note the devices that it asks for, before its own code runs. */
const noteDevices = (context: BrowserContext): Promise<unknown> =>
  context.route('**/assets/*.js', async (route) => {
    const response = await route.fetch()
    const body = await response.text()
    await route.fulfill({ response, body: body.includes('requestDevice') ? NOTING + body : body })
  })

const NOTING = `globalThis.devices = []
const { requestDevice } = GPUAdapter.prototype
GPUAdapter.prototype.requestDevice = async function (...given) {
  const device = await requestDevice.apply(this, given)
  devices.push(device)
  return device
}
`

const loseDevices = (worker: Worker): Promise<number> =>
  worker.evaluate(() => {
    const { devices } = globalThis as unknown as { readonly devices: GPUDevice[] }
    for (const device of devices) device.destroy()
    return devices.length
  })
