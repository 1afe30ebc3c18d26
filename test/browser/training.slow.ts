/** Training in a tab of Chromium goes as on Node's CPU, on WebAssembly and on WebGPU, where no operator is left to the CPU. */
import { expect } from 'chai'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'

import { openGenerator } from '../../src/models/open_generator.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { createRun } from '../../src/runs/create.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { writeTinyModel } from '../tiny_model.ts'
import type * as training from './inside/training.ts'
import { TASKS, writeRows } from './tasks.ts'
import type { Tab } from './tab.ts'
import { openTab, startBrowser } from './tab.ts'

const pocket = join(import.meta.dirname, '..', '..', 'artifacts', 'pocket')

/** What places a model in a folder: WebGPU without a GPU has time for a tiny one. */
const PROVIDERS = {
  wasm: (folder: string) => cp(pocket, folder, { recursive: true }),
  webgpu: (folder: string) => writeTinyModel(folder),
} as const

/** Tokens that a run's best checkpoint writes after prompts. */
async function written(run: string, prompts: readonly string[]): Promise<readonly (readonly number[])[]> {
  const generator = await openGenerator(run, { checkpoint: 'best' })
  const found = await generator.generate(prompts, { max_new_tokens: 24, do_sample: false })
  await generator.release()
  return found.map(({ tokens }) => tokens)
}

/** Steps whose losses are compared; later ones tell roundings that add up. */
const COMPARED = 30

describe('training in a tab of Chromium', function () {
  this.timeout(600_000)
  let folder: string
  let browser: Browser
  let tab: Tab
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ortune-browser-'))
    browser = await startBrowser()
    tab = await openTab(browser, { files: folder })
  })
  after(async () => {
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  })

  for (const [name, { rows, settings, prompts = [], model: given }] of Object.entries(TASKS))
    for (const provider of ['wasm', 'webgpu'] as const)
      it(`${name} on ${provider} has the losses of Node${prompts.length > 0 ? ', and its words' : ''}`, async () => {
        const at = `${name}-${provider}`
        const [model, run] = [join(folder, at, 'model'), join(folder, at, 'run')]
        await mkdir(join(folder, at))
        await (given === undefined ? PROVIDERS[provider](model) : cp(given, model, { recursive: true }))
        const data = await writeRows(join(folder, at), rows)
        await createRun(runConfigSchema.parse({ model, output_dir: run, data, ...settings }))
        const losses: number[] = []
        await continueRun(run, { step: ({ loss }) => losses.push(loss) })
        const inNode = prompts.length > 0 ? await written(run, prompts) : []

        const found = await tab.ask<typeof training.train>('worker', 'training', 'train', {
          folder: at,
          device: { provider, fallback: false },
          settings,
          prompts,
        })
        expect(found.losses).to.have.length(settings.max_steps)
        for (const [i, loss] of losses.slice(0, COMPARED).entries())
          expect(Math.abs(found.losses[i]! / loss - 1), `step ${i + 1}`).to.be.at.most(1e-4)
        // Buffers of the GPU grow no more in number once the first steps have made them.
        expect(new Set(found.buffers.slice(10)).size).to.be.at.most(1)
        expect(found.written).to.deep.equal(inNode)
      })

  it('makes no more buffers of the GPU over 200 steps', async () => {
    const at = 'sft-webgpu'
    const { settings } = TASKS['sft']!
    const { buffers } = await tab.ask<typeof training.train>('worker', 'training', 'train', {
      folder: at,
      device: { provider: 'webgpu', fallback: false },
      // One example a step, as the adapter is slow.
      settings: { ...settings, max_steps: 200, per_device_train_batch_size: 1 },
    })
    expect(buffers).to.have.length(200)
    expect(buffers[10]).to.be.above(0)
    expect(new Set(buffers.slice(10)).size).to.equal(1)
  })
})
