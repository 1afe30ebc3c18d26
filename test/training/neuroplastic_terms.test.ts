/**
 * Each term alone, so strong that the likelihood is nothing beside it, moves its own quantity the way it should: with its sign turned
 * round each of these fails.
 */
import { expect } from 'chai'
import { join } from 'node:path'

import type { StepRecord } from '../../src/learning/listeners.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { withFolder } from '../data/helpers.ts'
import { createTinyRun } from './tiny_run.ts'

const rows = [
  { prompt: 'a dog is', completion: ' an animal' },
  { prompt: 'the sea is', completion: ' water' },
  { prompt: 'a hill is', completion: ' a small mountain' },
  { prompt: 'a lamp', completion: ' gives light' },
]
const alone = { lambda_reward: 1, alpha: 0, beta_sem: 0, gamma_div: 0, delta_ref: 0 }
const STEPS = 20

/**
 * Learns with terms, from the random model or from another run. `found` is a quantity of greedy responses before and after, `drawn` one
 * of drawn responses, the means of the first and of the last five steps.
 */
async function learn(folder: string, neuroplastic: object, config: object = {}) {
  const { run } = await createTinyRun(folder, rows, {
    ...{ task: 'neuroplastic', threads: 1, seed: 5, max_steps: STEPS, eval_steps: STEPS },
    ...{ per_device_train_batch_size: 4, lora: 'full', learning_rate: 2e-3, ...config },
    neuroplastic: { ...alone, target_length: 3, max_new_tokens: 8, num_generations: 8, ...neuroplastic },
  })
  const found: Readonly<Record<string, number | boolean>>[] = []
  const steps: StepRecord[] = []
  await continueRun(run, {
    evaluation: (record) => void found.push({ ...record }),
    step: (record) => void steps.push(record),
  })
  const drawn = (name: string): [number, number] => {
    const mean = (some: readonly StepRecord[]) =>
      some.reduce((sum, record) => sum + Number(record[name]), 0) / some.length
    return [mean(steps.slice(0, 5)), mean(steps.slice(-5))]
  }
  const quantity = (name: string): [number, number] => [Number(found[0]![name]), Number(found.at(-1)![name])]
  return { run, found: quantity, drawn }
}

describe('a strong term of neuro-plastic fine-tuning', function () {
  this.slow(5000)

  it('brings responses nearer to their prompts', () =>
    withFolder(async (folder) => {
      const { found } = await learn(folder, { beta_sem: 100 })
      const [before, after] = found('eval_cosine')
      expect(after).to.be.greaterThan(before + 0.1)
    }))

  it('opens the choice of tokens that the likelihood has narrowed', () =>
    withFolder(async (folder) => {
      const begun = await learn(join(folder, 'likelihood'), {})
      const { found } = await learn(join(folder, 'term'), { gamma_div: 100 }, { from: begun.run })
      const [before, after] = found('eval_entropy')
      expect(after).to.be.greaterThan(before + 0.5)
    }))

  it('shortens what is longer than the target', () =>
    withFolder(async (folder) => {
      const { found, drawn } = await learn(folder, { alpha: 100 })
      for (const [before, after] of [found('eval_length'), drawn('tokens/responses_len_mean')])
        expect(after).to.be.lessThan(before - 1)
    }))

  it('brings responses nearer to the references', () =>
    withFolder(async (folder) => {
      // A model whose draws are like the references now and then, so that there are costs to tell apart.
      const begun = await learn(join(folder, 'likelihood'), {}, { max_steps: 40 })
      const { found, drawn } = await learn(join(folder, 'term'), { delta_ref: 100 }, { from: begun.run })
      const [before, after] = drawn('terms/reference')
      expect(after).to.be.lessThan(before - 0.02)
      const [bleuBefore, bleuAfter] = found('eval_bleu')
      expect(bleuAfter).to.be.at.least(bleuBefore - 1e-9)
    }))
})
