import { expect } from 'chai'

import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { SimpoLoss } from '../../graphs/losses/simpo.ts'
import { simpoLoss } from '../../graphs/losses/simpo.ts'
import { weightedSum } from '../../graphs/losses/weighted_sum.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { largestDifference, numbersOf } from './gpt2_fixtures.ts'
import { constant, random, toHost } from './tensor.ts'

type Settings = Omit<SimpoLoss, 'cpo_alpha'>
const plain: Settings = { beta: 2, simpo_gamma: 0.5, label_smoothing: 0 }

/** The loss of each pair, and its weighted sum with a gradient. */
function lossGraph(dtype: 'float32' | 'float64', settings: Settings): Graph {
  const graph = new Graph('simpo')
  const logps = graph.input('logps', dtype, ['pairs', 2])
  const loss = simpoLoss(logps, settings)
  graph.output('per_pair', loss)
  return giveOutGradients(weightedSum(loss, graph.input('weights', dtype, ['pairs'])), [logps])
}

describe('losses/simpo', () => {
  const logps = random('mean log-probabilities of SimPO', [4, 2], -6, 0)
  const sigma = (x: number) => 1 / (1 + Math.exp(-x))

  for (const settings of [plain, { ...plain, simpo_gamma: 1.6 }, { ...plain, label_smoothing: 0.1 }]) {
    const { beta, simpo_gamma: gamma, label_smoothing: e } = settings
    it(`is its formula and has its gradient, γ ${gamma}, smoothing ${e}`, async () => {
      const { outputs } = await checkGradients(lossGraph('float64', settings), {
        logps: toHost(logps, 'float64'),
        weights: toHost(constant([4], [0.1, 0.4, 0.2, 0.3]), 'float64'),
      })
      const expected = [0, 1, 2, 3].map((pair) => {
        const x = beta * (logps.data[2 * pair]! - logps.data[2 * pair + 1]!) - gamma
        return -(1 - e) * Math.log(sigma(x)) - e * Math.log(sigma(-x))
      })
      expect(largestDifference(numbersOf(outputs)['per_pair']!, expected)).to.be.at.most(1e-12)
    })
  }

  it('is finite, and pulls with β at most, where the answers are worlds apart', async () => {
    const session = await openNodeSession(serialize(lossGraph('float32', plain)))
    const got = numbersOf(
      await session.run({
        logps: toHost(constant([2, 2], [0, -5000, -5000, 0]), 'float32'),
        weights: toHost(constant([2], [1, 1]), 'float32'),
      }),
    )
    await session.release()
    expect(largestDifference(got['per_pair']!, [0, 10000.5])).to.equal(0)
    for (const slope of got['logps_grad']!) expect(Math.abs(slope)).to.be.at.most(plain.beta)
  })
})
