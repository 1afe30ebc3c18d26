import { expect } from 'chai'
import fc from 'fast-check'

import { miniBatches } from '../../../src/tasks/ppo/mini_batches.ts'
import type { Prompt } from '../../../src/learning/rollouts.ts'
import { promptsOfRollout, rolloutsPerEpoch } from '../../../src/learning/rollouts.ts'

const options = { mini_batch_size: 4, ppo_epochs: 3, gradient_accumulation_steps: 1 }

describe('mini-batches', () => {
  it('go through every response once an epoch, in optimizer steps whose tokens weigh 1 together', () => {
    const settings = fc.record({
      mini_batch_size: fc.integer({ min: 1, max: 9 }),
      ppo_epochs: fc.integer({ min: 1, max: 4 }),
      gradient_accumulation_steps: fc.integer({ min: 1, max: 7 }),
    })
    const lengths = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(lengths, settings, (tokens, given) => {
        const plan = miniBatches(tokens, given, 1, 2)
        let [epoch, weight, inStep]: [number[], number, number] = [[], 0, 0]
        let epochs = 0
        for (const [i, { rows, tokenWeight, endsStep, endsEpoch }] of plan.entries()) {
          epoch.push(...rows)
          inStep++
          for (const row of rows) weight += tokens[row]! * tokenWeight
          if (endsEpoch) {
            expect(epoch.sort((a, b) => a - b)).to.deep.equal(tokens.map((_, row) => row))
            epoch = []
            epochs++
          }
          if (!endsStep) continue
          expect(weight).to.be.closeTo(1, 1e-12)
          if (i < plan.length - 1) expect(inStep).to.equal(given.gradient_accumulation_steps)
          ;[weight, inStep] = [0, 0]
        }
        expect([epoch.length, inStep, epochs]).to.deep.equal([0, 0, given.ppo_epochs])
      }),
    )
  })

  it('come in an order of their own in each epoch, update and seed, and in the same one again', () => {
    const lengths = new Array<number>(16).fill(1)
    const order = (seed: number, update: number) =>
      miniBatches(lengths, options, seed, update).map(({ rows }) => rows.join())
    expect(order(1, 1)).to.deep.equal(order(1, 1))
    expect(order(1, 1)).not.to.deep.equal(order(1, 2))
    expect(order(1, 1)).not.to.deep.equal(order(2, 1))
    const plan = order(1, 1)
    expect(plan.slice(0, 4)).not.to.deep.equal(plan.slice(4, 8))
  })
})

describe('the prompts of updates', () => {
  const prompts = Array.from({ length: 10 }, (_, i): Prompt => ({
    ids: [i],
    text: `${i}`,
    references: [],
  }))
  const texts = (count: number, epoch: number, batchSize: number) =>
    Array.from({ length: rolloutsPerEpoch(count, batchSize) }, (_, batch) =>
      promptsOfRollout(prompts.slice(0, count), { seed: 3, epoch, batch, batchSize }).map(({ text }) => text),
    )

  it('are different ones within an epoch, in full batches, in a new order each epoch', () => {
    const epochs = [0, 1, 2, 3, 4].map((epoch) => texts(10, epoch, 4))
    for (const batches of epochs) {
      expect(batches.map(({ length }) => length)).to.deep.equal([4, 4])
      expect(new Set(batches.flat()).size).to.equal(8)
    }
    expect(epochs[0]).not.to.deep.equal(epochs[1])
    expect(new Set(epochs.flat(2)).size, 'what an epoch leaves out comes in another').to.equal(10)
  })

  it('are repeated where a batch has room for more than there are', () => {
    const [batch, ...others] = texts(3, 0, 7)
    expect(others).to.be.empty
    const counts = ['0', '1', '2'].map((text) => batch!.filter((one) => one === text).length)
    expect(counts.sort()).to.deep.equal([2, 2, 3])
  })
})
