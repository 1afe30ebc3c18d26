import { expect } from 'chai'

import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { logOdds, oddsRatio } from '../../graphs/losses/orpo.ts'
import { weightedSum } from '../../graphs/losses/weighted_sum.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { numbersOf } from './gpt2_fixtures.ts'
import { readPreferenceFixture } from './preference_fixtures.ts'
import { constant, toHost } from './tensor.ts'

interface MadeUp {
  /** ℓ of a chosen and a rejected answer. */
  readonly logps: readonly [number, number]
  readonly log_odds: number
  readonly log_sigmoid: number
  /** Of log σ(z) by ℓ₊ and ℓ₋. */
  readonly derivatives: readonly [number, number]
}

type Dtype = 'float32' | 'float64'

/** Σ log σ(z) of pairs as the loss, with its gradient. */
function ratioGraph(dtype: Dtype): Graph {
  const graph = new Graph('orpo')
  const logps = graph.input('logps', dtype, ['pairs', 2])
  const ones = graph.input('ones', dtype, ['pairs'])
  const found = oddsRatio(logps)
  graph.output('z', found.logOdds)
  graph.output('log_sigmoid', found.logRatio)
  return giveOutGradients(weightedSum(found.logRatio, ones), [logps])
}

const feeds = (dtype: Dtype, logps: readonly number[]) => ({
  logps: toHost(constant([logps.length / 2, 2], [...logps]), dtype),
  ones: toHost(constant([logps.length / 2], new Array<number>(logps.length / 2).fill(1)), dtype),
})

async function run(graph: Graph, fed: ReturnType<typeof feeds>): Promise<Record<string, number[]>> {
  const session = await openNodeSession(serialize(graph))
  const outputs = await session.run(fed)
  await session.release()
  return numbersOf(outputs)
}

/** log(p / (1 − p)) of p = e^ℓ, in JavaScript's own float64. */
const exact = (l: number): number => l - Math.log(-Math.expm1(l))

/** Largest |got − wanted| / max(1, |wanted|). */
const error = (got: readonly number[], wanted: readonly number[]): number =>
  Math.max(...got.map((value, i) => Math.abs(value - wanted[i]!) / Math.max(1, Math.abs(wanted[i]!))))

describe('losses/orpo', () => {
  let odds: readonly MadeUp[]
  before(async () => {
    odds = (await readPreferenceFixture<{ odds: readonly MadeUp[] }>('orpo', 'losses.json')).odds
  })

  for (const [dtype, bound] of [
    ['float64', 1e-9],
    ['float32', 1e-5],
  ] as const) {
    it(`has TRL's log-odds, log σ and their derivatives, from unlikely answers to nearly certain ones, in ${dtype}`, async () => {
      const logps = odds.flatMap((pair) => pair.logps)
      const got = await run(ratioGraph(dtype), feeds(dtype, logps))
      const wanted = (key: 'log_odds' | 'log_sigmoid') => odds.map((pair) => pair[key])
      expect(error(got['z']!, wanted('log_odds'))).to.be.at.most(bound)
      expect(error(got['log_sigmoid']!, wanted('log_sigmoid'))).to.be.at.most(bound)
      const derivatives = odds.flatMap((pair) => pair.derivatives)
      expect(error(got['logps_grad']!, derivatives)).to.be.at.most(bound)
    })
  }

  it('has the gradient of its differences', async () => {
    const logps = [-0.5, -2, -2, -0.5, -0.1, -3, -7, -0.7, -4, -4.5]
    await checkGradients(ratioGraph('float64'), feeds('float64', logps), { step: 1e-4 })
  })

  it('is exact to float32 however near an answer is to certain, or to impossible', async () => {
    const ls = [-1e-7, -1e-6, -1e-5, -1e-3, -0.1, -0.5, -Math.LN2, -0.7, -1, -5, -17, -18, -50, -120]
    const graph = new Graph('log_odds')
    const logps = graph.input('logps', 'float32', ['answers'])
    const y = logOdds(logps)
    graph.output('y', y)
    const ones = graph.input('ones', 'float32', ['answers'])
    const whole = giveOutGradients(weightedSum(y, ones), [logps])
    const vector = (values: readonly number[]) => toHost(constant([values.length], [...values]), 'float32')
    const got = await run(whole, { logps: vector(ls), ones: vector(ls.map(() => 1)) })
    const rounded = ls.map(Math.fround)
    expect(error(got['y']!, rounded.map(exact))).to.be.at.most(3e-7)
    // dy/dℓ = 1 / (1 − e^ℓ)
    const slopes = rounded.map((l) => -1 / Math.expm1(l))
    expect(error(got['logps_grad']!, slopes)).to.be.at.most(1e-6)
  })

  it('is finite, with finite gradients, where an answer is certain', async () => {
    const logps = [0, -3, -3, 0, 0, 0, -1e-30, -1e-30]
    for (const dtype of ['float32', 'float64'] as const) {
      const got = await run(ratioGraph(dtype), feeds(dtype, logps))
      for (const [name, values] of Object.entries(got))
        for (const value of values) expect(value, name).to.be.finite
      const [z, reversed, twins] = got['z']!
      // p is at most 1 − 2⁻²⁴.
      expect(z).to.be.closeTo(exact(-(2 ** -24)) - exact(-3), 1e-5)
      expect(reversed).to.be.closeTo(-z!, 1e-5)
      expect(twins).to.equal(0)
      // A rejected answer that is certain is pushed down, and hard.
      expect(got['logps_grad']![3]).to.be.below(-1e7)
    }
  })
})
