import { expect } from 'chai'

import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { DpoLoss } from '../../graphs/losses/dpo.ts'
import { chosenNegativeLogLikelihood, dpoLoss, dpoLossTypes } from '../../graphs/losses/dpo.ts'
import { weightedSum } from '../../graphs/losses/weighted_sum.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { largestDifference, numbersOf } from './gpt2_fixtures.ts'
import { constant, random, toHost } from './tensor.ts'

const plain: DpoLoss = { loss_type: 'sigmoid', beta: 0.3, label_smoothing: 0, length_normalised: false }

const float64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'float64')

describe('losses/dpo', () => {
  const ratios = random('log-ratios of DPO', [5, 2], -8, 8)
  const lengths = [
    [3, 7],
    [1, 2],
    [4, 4],
    [9, 1],
    [0, 5],
  ]

  async function evaluate(settings: DpoLoss): Promise<number[]> {
    const graph = new Graph('dpo')
    const r = graph.input('ratios', 'float64', ['pairs', 2])
    const loss = dpoLoss(r, graph.input('lengths', 'float64', ['pairs', 2]), settings)
    graph.output('per_pair', loss)
    const weights = graph.input('weights', 'float64', ['pairs'])
    const { outputs } = await checkGradients(giveOutGradients(weightedSum(loss, weights), [r]), {
      ratios: toHost(ratios, 'float64'),
      lengths: float64([5, 2], ...lengths.flat()),
      weights: float64([5], 0.1, 0.3, 0.2, 0.15, 0.25),
    })
    return numbersOf(outputs)['per_pair']!
  }

  const sigma = (x: number) => 1 / (1 + Math.exp(-x))
  const [beta, e] = [0.2, 0.1]
  const formulas: Record<(typeof dpoLossTypes)[number], (delta: number) => number> = {
    sigmoid: (delta) => -(1 - e) * Math.log(sigma(beta * delta)) - e * Math.log(sigma(-beta * delta)),
    hinge: (delta) => Math.max(0, 1 - beta * delta),
    ipo: (delta) => (delta - 1 / (2 * beta)) ** 2,
    robust: (delta) =>
      (-(1 - e) * Math.log(sigma(beta * delta)) + e * Math.log(sigma(-beta * delta))) / (1 - 2 * e),
  }
  for (const loss_type of dpoLossTypes) {
    for (const length_normalised of [false, true]) {
      it(`${loss_type} is its formula${length_normalised ? ', per token,' : ''} and has its gradient`, async () => {
        const got = await evaluate({ loss_type, beta, label_smoothing: e, length_normalised })
        const perToken = length_normalised || loss_type === 'ipo'
        const expected = lengths.map((length, pair) => {
          const [chosen, rejected] = [0, 1].map(
            (i) => ratios.data[2 * pair + i]! / (perToken ? Math.max(1, length[i]!) : 1),
          )
          return formulas[loss_type](chosen! - rejected!)
        })
        expect(largestDifference(got, expected)).to.be.at.most(1e-12)
      })
    }
  }

  it('with a smoothing of 0, robust and smoothed are the plain loss; of 1, a smoothed one prefers the rejected', async () => {
    const plainLoss = await evaluate({ ...plain, beta })
    expect(await evaluate({ ...plain, beta, loss_type: 'robust' })).to.deep.equal(plainLoss)
    const turned = await evaluate({ ...plain, beta, label_smoothing: 1 })
    const expected = lengths.map((_, pair) => {
      const [chosen, rejected] = ratios.data.slice(2 * pair, 2 * pair + 2)
      return -Math.log(sigma(beta * (rejected! - chosen!)))
    })
    expect(largestDifference(turned, expected)).to.be.at.most(1e-12)
  })

  it('is finite, and pulls with β at most, where the policy has left the reference far behind', async () => {
    for (const loss_type of ['sigmoid', 'robust'] as const) {
      const graph = new Graph('dpo')
      const r = graph.input('ratios', 'float32', ['pairs', 2])
      const loss = dpoLoss(r, r, { ...plain, loss_type, label_smoothing: 0.1 })
      graph.output('per_pair', loss)
      const ones = graph.input('ones', 'float32', ['pairs'])
      const session = await openNodeSession(serialize(giveOutGradients(weightedSum(loss, ones), [r])))
      const got = numbersOf(
        await session.run({
          ratios: toHost(constant([2, 2], [5000, -5000, -5000, 5000]), 'float32'),
          ones: toHost(constant([2], [1, 1]), 'float32'),
        }),
      )
      await session.release()
      for (const value of got['per_pair']!) expect(value).to.be.finite
      for (const slope of got['ratios_grad']!) expect(Math.abs(slope)).to.be.at.most(plain.beta * 1.2)
    }
  })

  it("adds the chosen answer's own loss per token", async () => {
    const graph = new Graph('nll')
    const logps = graph.input('logps', 'float64', ['pairs', 2])
    const nll = chosenNegativeLogLikelihood(logps, graph.input('lengths', 'float64', ['pairs', 2]))
    graph.output('per_pair', nll)
    const weights = graph.input('weights', 'float64', ['pairs'])
    const { outputs } = await checkGradients(giveOutGradients(weightedSum(nll, weights), [logps]), {
      logps: float64([2, 2], -6, -1, -4, -4),
      lengths: float64([2, 2], 3, 5, 8, 2),
      weights: float64([2], 0.4, 0.6),
    })
    expect(numbersOf(outputs)['per_pair']).to.deep.equal([2, 0.5])
  })
})
