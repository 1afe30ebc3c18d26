import { expect } from 'chai'

import { ppoEvaluationGraph, ppoTrainingGraph } from '../../graphs/tasks/ppo.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import type { PpoLoss } from '../../graphs/losses/ppo.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import type { FixtureModel } from './gpt2_fixtures.ts'
import { fixtureModel, largestDifference, numbersOf, otherPads } from './gpt2_fixtures.ts'
import type { FixtureAdapter, PpoQuantities, Ragged } from './preference_fixtures.ts'
import {
  expectGradients,
  readFixtureAdapter,
  readPreferenceFixture,
  readTensorFeeds,
  rolloutFeeds,
  vector,
} from './preference_fixtures.ts'

describe('PPO against TRL', () => {
  let model: FixtureModel
  let quantities: PpoQuantities
  let adapter: FixtureAdapter
  let trained: Feeds
  let ppo: PpoLoss
  before(async () => {
    model = await fixtureModel()
    quantities = await readPreferenceFixture('ppo', 'quantities.json')
    adapter = await readFixtureAdapter('ppo', 'adapter')
    trained = { ...adapter.feeds, ...(await readTensorFeeds('ppo', 'value_head.safetensors')) }
    ppo = { ...quantities.variants['plain']!.settings, entropy_coef: 0, temperature: 1 }
  })

  const task = (changes: Partial<PpoLoss> = {}) => ({
    config: model.config,
    stored: model.stored,
    lora: adapter.lora,
    ppo: { ...ppo, ...changes },
  })

  const tokens = () => rolloutFeeds(quantities.queries, quantities.responses)

  function batch(): Feeds {
    const { logps, values, variants } = quantities
    const count = logps.flat().length
    return {
      ...tokens(),
      old_logps: vector(logps.flat()),
      old_values: vector(values.flat()),
      advantages: vector(variants['plain']!.advantages.flat()),
      returns: vector(variants['plain']!.returns.flat()),
      token_weights: vector(new Array<number>(count).fill(1 / count)),
    }
  }

  async function run(graph: Graph, feeds: Feeds): Promise<Record<string, number[]>> {
    const session = await model.open(graph)
    const outputs = await session.run(feeds)
    await session.release()
    return numbersOf(outputs)
  }

  const expectTokens = (got: number[] | undefined, expected: Ragged) => {
    expect(got).to.have.length(expected.flat().length)
    expect(largestDifference(got!, expected.flat())).to.be.at.most(1e-5)
  }

  it('has the log-probabilities, values and entropies of policy and reference, from one session', async () => {
    const session = await model.open(ppoEvaluationGraph(task()))
    const policy = numbersOf(await session.run({ ...tokens(), ...trained }))
    const reference = numbersOf(await session.run({ ...tokens(), ...trained, ...loraScale(0) }))
    await session.release()
    expectTokens(policy['logps'], quantities.update.logps)
    expectTokens(policy['values'], quantities.update.values)
    expectTokens(policy['entropies'], quantities.update.entropies)
    expectTokens(reference['logps'], quantities.reference_logps)
  })

  it('has both losses, the entropy and every gradient', async () => {
    const got = await run(ppoTrainingGraph(task()), { ...batch(), ...trained })
    const { loss, statistics } = quantities.update
    expect(got['loss']![0]).to.be.closeTo(loss, 1e-5)
    expect(got['policy_loss']![0]).to.be.closeTo(statistics['ppo/loss/policy']!, 1e-5)
    expect(got['value_loss']![0]).to.be.closeTo(statistics['ppo/loss/value']!, 1e-5)
    expect(got['entropy']![0]).to.be.closeTo(statistics['ppo/policy/entropy']!, 1e-5)
    expectTokens(got['logps'], quantities.update.logps)
    expectTokens(got['values'], quantities.update.values)
    await expectGradients(got, 'ppo', 'gradients.safetensors')
  })

  it('has them at a temperature, with the entropy bonus', async () => {
    const { warm } = quantities
    const { temperature, entropy_coef } = warm
    const got = await run(ppoTrainingGraph(task({ temperature, entropy_coef })), { ...batch(), ...trained })
    for (const name of ['loss', 'policy_loss', 'value_loss', 'entropy'] as const)
      expect(got[name]![0], name).to.be.closeTo(warm[name], 1e-5)
    expectTokens(got['logps'], warm.logps)
    await expectGradients(got, 'ppo', 'warm_gradients.safetensors')
    const evaluated = await run(ppoEvaluationGraph(task({ temperature })), { ...tokens(), ...trained })
    expectTokens(evaluated['logps'], warm.logps)
    expectTokens(evaluated['entropies'], warm.entropies)
  })

  it('has a ratio of exactly 1, and no clipping, where the policy is the one that generated', async () => {
    const evaluated = await run(ppoEvaluationGraph(task()), { ...tokens(), ...trained })
    const own = {
      ...batch(),
      old_logps: vector(evaluated['logps']!),
      old_values: vector(evaluated['values']!),
    }
    const got = await run(ppoTrainingGraph(task()), { ...own, ...trained })
    const ratios = got['logps']!.map((logp, i) => Math.exp(logp - evaluated['logps']![i]!))
    expect(
      largestDifference(
        ratios,
        ratios.map(() => 1),
      ),
    ).to.be.at.most(1e-6)
    // Advantages are whitened, so that their mean, which the loss is then, is 0.
    expect(got['policy_loss']![0]).to.be.closeTo(0, 1e-6)
  })

  it('has no use for pads: other ids there change neither loss nor any gradient', async () => {
    const changed = otherPads(batch(), model.config.vocab_size)
    expect(changed['input_ids']!.data).to.not.deep.equal(batch()['input_ids']!.data)
    const [before, after] = [
      await run(ppoTrainingGraph(task()), { ...batch(), ...trained }),
      await run(ppoTrainingGraph(task()), { ...changed, ...trained }),
    ]
    for (const [name, values] of Object.entries(before))
      expect(largestDifference(after[name]!, values), name).to.equal(0)
  })
})
