import { expect } from 'chai'

import { Graph } from '../../graphs/ir/graph.ts'
import { policyLoss, valueLoss } from '../../graphs/losses/ppo.ts'
import { weightedSum } from '../../graphs/losses/weighted_sum.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { largestDifference, numbersOf } from './gpt2_fixtures.ts'
import { constant, toHost } from './tensor.ts'

const float64 = (...data: number[]) => toHost(constant([data.length], data), 'float64')

describe('losses/ppo', () => {
  const advantages = [2, -2, 1, -1, 0, 3]
  const ratios = [1.6, 1.6, 0.4, 0.4, 1.3, 1.1]

  it('the policy loss is its formula and has its gradient; what is clipped has none', async () => {
    const graph = new Graph('policy loss')
    const vector = (name: string) => graph.input(name, 'float64', ['labelled'])
    const logps = vector('logps')
    const loss = policyLoss(logps, vector('old_logps'), vector('advantages'), 0.2)
    graph.output('per_token', loss)
    const old = [-1, -2, -0.5, -3, -1.5, -2.5]
    const { outputs } = await checkGradients(
      giveOutGradients(weightedSum(loss, vector('weights')), [logps]),
      {
        logps: float64(...old.map((logp, i) => logp + Math.log(ratios[i]!))),
        old_logps: float64(...old),
        advantages: float64(...advantages),
        weights: float64(0.1, 0.2, 0.3, 0.15, 0.05, 0.2),
      },
    )
    const expected = advantages.map((advantage, i) => {
      const clipped = Math.min(1.2, Math.max(0.8, ratios[i]!))
      return -Math.min(advantage * ratios[i]!, advantage * clipped)
    })
    const { per_token, logps_grad } = numbersOf(outputs)
    expect(largestDifference(per_token!, expected)).to.be.at.most(1e-12)
    // A gain that is great enough, or a loss that is small enough already.
    expect(logps_grad!.map((slope) => slope === 0)).to.deep.equal([true, false, false, true, true, false])
  })

  it('the value loss is its formula and has its gradient', async () => {
    const graph = new Graph('value loss')
    const vector = (name: string) => graph.input(name, 'float64', ['labelled'])
    const values = vector('values')
    const loss = valueLoss(values, vector('old_values'), vector('returns'), 0.2)
    graph.output('per_token', loss)
    const [now, before, returns] = [
      [0.1, 1, 1, -1, 0.5],
      [0, 0, 0, 0, 0],
      [1, 2, -1, -3, 0.1],
    ] as const
    const { outputs } = await checkGradients(
      giveOutGradients(weightedSum(loss, vector('weights')), [values]),
      {
        values: float64(...now),
        old_values: float64(...before),
        returns: float64(...returns),
        weights: float64(0.1, 0.2, 0.3, 0.15, 0.25),
      },
    )
    const expected = now.map((value, i) => {
      const clipped = Math.min(before[i]! + 0.2, Math.max(before[i]! - 0.2, value))
      return 0.5 * Math.max((value - returns[i]!) ** 2, (clipped - returns[i]!) ** 2)
    })
    expect(largestDifference(numbersOf(outputs)['per_token']!, expected)).to.be.at.most(1e-12)
  })
})
