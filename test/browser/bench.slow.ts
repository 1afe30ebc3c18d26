/** What `npm run bench` times in a browser is one computation: the losses of ortune and of jax-js are the same, step by step. */
import { expect } from 'chai'
import type { Browser } from 'playwright-core'

import type * as steps from '../../tools/bench/web/step.ts'
import type { StepShape } from '../../tools/bench/web/shape.ts'
import { openTab, startBrowser } from './tab.ts'

const shape = { layers: 1, heads: 2, width: 32, vocabulary: 128, batch: 2, length: 16 }
const lora = { r: 4, lora_alpha: 8, target_modules: ['c_attn', 'c_fc', 'c_proj'] }

describe('the training step of the benchmark in a browser', function () {
  this.timeout(120_000)
  let browser: Browser
  before(async () => {
    browser = await startBrowser()
  })
  after(() => browser?.close())

  /** The losses of three steps: the first tells the forward pass, the others gradients and AdamW. */
  async function losses(given: steps.OpenStep): Promise<number[]> {
    const tab = await openTab(browser)
    await tab.ask<typeof steps.open>('worker', 'step', 'open', given)
    const found: number[] = []
    for (let step = 0; step < 3; step++)
      found.push((await tab.ask<typeof steps.step>('worker', 'step', 'step')).loss)
    await tab.close()
    return found
  }

  const cases: readonly [steps.OpenStep['provider'], StepShape['lora']][] = [
    ['wasm', 'full'],
    ['wasm', lora],
    ['webgpu', 'full'],
  ]
  for (const [provider, adaptation] of cases)
    it(`is that of jax-js on ${provider}, ${adaptation === 'full' ? 'all parameters' : 'LoRA'}`, async () => {
      const given = { provider, shape: { ...shape, lora: adaptation } }
      const [ours, theirs] = [
        await losses({ side: 'ortune', ...given }),
        await losses({ side: 'jax', ...given }),
      ]
      expect(ours[2]).to.be.below(ours[0]!)
      for (const [i, loss] of ours.entries())
        expect(Math.abs(loss / theirs[i]! - 1), `step ${i + 1}: ${loss}, ${theirs[i]}`).to.be.at.most(2e-6)
    })
})
