import { expect } from 'chai'
import fc from 'fast-check'

import {
  divergences,
  generalizedAdvantages,
  klPenalties,
  learnedScore,
  tokenRewards,
  whiten,
} from '../../src/tasks/ppo/quantities.ts'
import { moments } from '../../src/metrics/moments.ts'
import { nextKlCoefficient } from '../../src/tasks/ppo/quantities.ts'
import {
  furthestRatio,
  miniBatchStatistics,
  responseStatistics,
  updateStatistics,
} from '../../src/tasks/ppo/log.ts'
import type { PpoOptions } from '../../src/tasks/ppo/options.ts'
import { ppoOptionsSchema } from '../../src/tasks/ppo/options.ts'
import { largestDifference } from '../graphs/gpt2_fixtures.ts'
import type { PpoQuantities, PpoSettings } from '../graphs/preference_fixtures.ts'
import { readPreferenceFixture } from '../graphs/preference_fixtures.ts'

const optionsOf = (settings: PpoSettings): PpoOptions =>
  ppoOptionsSchema.parse({ ...settings, temperature: 1, reward: { metric: 'bleu' } })

/**
 * TRL whitens the zeros of its padding along with the rewards, which makes rewards of them that reach back into the responses
 * before: what a response is worth then depends on the longest of its batch. Here they are put in on purpose, to compare
 * with it; ortune has no padding at this place.
 */
function whitenWithPads(rewards: readonly number[][], queries: readonly (readonly number[])[]): number[][] {
  const width = Math.max(...rewards.map((row, i) => queries[i]!.length + row.length))
  const { mean, variance } = moments(rewards.flat())
  const pad = mean - mean / Math.sqrt(variance + 1e-8)
  return whiten(rewards, false).map((row, i) => [
    ...row,
    ...new Array<number>(width - queries[i]!.length - row.length).fill(pad),
  ])
}

describe('the divergence that policies are compared by', () => {
  const logp = fc.double({ min: -12, max: 0, noNaN: true })

  it('is never negative, whatever the estimate that training pays for', () =>
    fc.assert(
      fc.property(logp, logp, fc.constantFrom('kl', 'abs', 'mse'), (own, other, kind) =>
        divergences([own], [other], kind).every((kl) => kl >= 0),
      ),
    ))

  it('has the Kullback-Leibler divergence as its mean over the policy', () => {
    const [policy, reference] = [
      [0.7, 0.2, 0.1],
      [0.4, 0.1, 0.5],
    ]
    const exact = policy.reduce((sum, p, i) => sum + p * Math.log(p / reference[i]!), 0)
    const estimates = divergences(policy.map(Math.log), reference.map(Math.log), 'kl')
    expect(estimates.reduce((sum, kl, i) => sum + policy[i]! * kl, 0)).to.be.closeTo(exact, 1e-12)
    // The logarithm of the ratio, by which it was judged before, is below 0 for the third.
    expect(klPenalties([Math.log(0.1)], [Math.log(0.5)], 'kl')[0]).to.be.lessThan(0)
  })
})

describe("PPO's quantities against TRL", () => {
  let stored: PpoQuantities
  before(async () => {
    stored = await readPreferenceFixture('ppo', 'quantities.json')
  })

  it('has its penalties, rewards, advantages and returns, in every variant', () => {
    expect(Object.keys(stored.variants)).to.have.length(6)
    for (const [name, variant] of Object.entries(stored.variants)) {
      const options = optionsOf(variant.settings)
      const kls = stored.logps.map((logps, i) =>
        klPenalties(logps, stored.reference_logps[i]!, options.kl_penalty),
      )
      const given = kls.map((kl, i) =>
        tokenRewards(learnedScore(stored.scores[i]!, true, options), kl, options.init_kl_coef),
      )
      const rewards = options.whiten_rewards ? whitenWithPads(given, stored.queries) : given
      const estimates = rewards.map((row, i) => {
        const pads = new Array<number>(row.length - given[i]!.length).fill(0)
        const { advantages, returns } = generalizedAdvantages(row, [...stored.values[i]!, ...pads], options)
        return {
          advantages: advantages.slice(0, given[i]!.length),
          returns: returns.slice(0, given[i]!.length),
        }
      })
      const advantages = whiten(estimates.map((estimate) => estimate.advantages))
      const close = (got: number[][], expected: readonly (readonly number[])[], what: string) =>
        expect(largestDifference(got.flat(), expected.flat()), `${what} of ${name}`).to.be.at.most(1e-5)
      close(kls, variant.kls, 'kls')
      close(given, variant.rewards, 'rewards')
      close(
        estimates.map(({ returns }) => returns),
        variant.returns,
        'returns',
      )
      close(advantages, variant.advantages, 'advantages')
    }
  })

  it('has its statistics, of the responses and of a mini-batch', () => {
    const { variants, update, queries, responses, scores, logps, values } = stored
    const { settings, kls, advantages, returns } = variants['plain']!
    const experiences = queries.map((ids, i) => ({
      response: {
        prompt: { ids, text: '', references: [] },
        tokens: responses[i]!,
        ended: true,
        text: '',
      },
      score: scores[i]!,
      learnedScore: scores[i]!,
      logps: logps[i]!,
      values: values[i]!,
      kls: kls[i]!,
      advantages: advantages[i]!,
      returns: returns[i]!,
    }))
    const { statistics } = update
    const outcome = {
      policyLoss: statistics['ppo/loss/policy']!,
      valueLoss: statistics['ppo/loss/value']!,
      entropy: statistics['ppo/policy/entropy']!,
      logps: update.logps.flat(),
      values: update.values.flat(),
      oldLogps: logps.flat(),
      oldValues: values.flat(),
      advantages: advantages.flat(),
      returns: returns.flat(),
    }
    const got: Record<string, number> = {
      ...responseStatistics(experiences, settings.init_kl_coef),
      ...updateStatistics([miniBatchStatistics(outcome, optionsOf(settings))]),
    }
    for (const [name, value] of Object.entries(statistics)) expect(got[name], name).to.be.closeTo(value, 1e-5)
    expect(got['env/reward_mean']).to.equal(got['ppo/mean_scores'])
    expect(got['env/reward_std']).to.equal(got['ppo/std_scores'])
  })

  it('steers the price of divergence alike', () => {
    for (const { init_kl_coef, target, horizon, n_steps, kls, values } of stored.kl_controller) {
      let coefficient = init_kl_coef
      kls.forEach((kl, i) => {
        coefficient = nextKlCoefficient(coefficient, kl, n_steps, { adap_kl_ctrl: true, target, horizon })
        expect(coefficient).to.be.closeTo(values[i]!, 1e-12)
      })
      expect(nextKlCoefficient(0.3, 9, n_steps, { adap_kl_ctrl: false, target, horizon })).to.equal(0.3)
    }
  })
})

describe("PPO's advantages", () => {
  const numbers = fc.array(fc.float({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 12 })

  it('are the discounted sum of all later errors', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.float({ min: -5, max: 5, noNaN: true }), fc.float({ min: -5, max: 5, noNaN: true })),
          {
            minLength: 1,
            maxLength: 10,
          },
        ),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (tokens, gamma, lam) => {
          const rewards = tokens.map(([reward]) => reward)
          const values = tokens.map(([, value]) => value)
          const deltas = rewards.map((r, t) => r + gamma * (values[t + 1] ?? 0) - values[t]!)
          const { advantages, returns } = generalizedAdvantages(rewards, values, { gamma, lam })
          advantages.forEach((advantage, t) => {
            const sum = deltas.slice(t).reduce((total, delta, k) => total + (gamma * lam) ** k * delta, 0)
            expect(advantage).to.be.closeTo(sum, 1e-9)
            expect(returns[t]).to.be.closeTo(sum + values[t]!, 1e-9)
          })
        },
      ),
    )
  })

  it('come to mean 0 and variance 1, or keep their mean', () => {
    fc.assert(
      fc.property(fc.array(numbers, { minLength: 2, maxLength: 6 }), (rows) => {
        const before = moments(rows.flat())
        fc.pre(before.variance > 1e-3)
        const after = moments(whiten(rows).flat())
        expect(after.mean).to.be.closeTo(0, 1e-9)
        expect(after.variance).to.be.closeTo(1, 1e-4)
        expect(moments(whiten(rows, false).flat()).mean).to.be.closeTo(before.mean, 1e-9)
      }),
    )
  })

  it('stay finite for a single token, and for tokens that are all alike', () => {
    expect(whiten([[3]])).to.deep.equal([[0]])
    expect(whiten([[2, 2], [2]], false)).to.deep.equal([[2, 2], [2]])
    expect(moments([7])).to.deep.equal({ mean: 7, variance: 0 })
  })
})

describe("PPO's scores", () => {
  it('are clamped, and lose the penalty where the response has no end', () => {
    const options = { score_clip: 1, missing_eos_penalty: 0.5 }
    expect(learnedScore(3, true, options)).to.equal(1)
    expect(learnedScore(-3, true, options)).to.equal(-1)
    expect(learnedScore(3, false, options)).to.equal(0.5)
    expect(learnedScore(-3, false, options), 'the penalty counts beyond the clamp').to.equal(-1.5)
    expect(learnedScore(3, false, { score_clip: null, missing_eos_penalty: null })).to.equal(3)
  })
})

describe("PPO's log", () => {
  it('tells of the token whose ratio is furthest from 1, in either direction', () => {
    expect(furthestRatio({ logps: [0, -0.2, 0.1], oldLogps: [0, 0, 0] })).to.equal(Math.exp(-0.2))
    expect(furthestRatio({ logps: [-1, -2], oldLogps: [-1, -2] })).to.equal(1)
  })
})
