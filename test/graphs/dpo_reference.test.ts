import { expect } from 'chai'

import { dpoEvaluationGraph, dpoTrainingGraph } from '../../graphs/tasks/dpo.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import type { DpoLoss } from '../../graphs/losses/dpo.ts'
import { collatePairs } from '../../src/data/batches/collate_pairs.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import type { FixtureModel } from './gpt2_fixtures.ts'
import { fixtureModel, largestDifference, numbersOf, otherPads } from './gpt2_fixtures.ts'
import type { FixtureAdapter, FixturePair } from './preference_fixtures.ts'
import {
  expectGradients,
  pairSequences,
  readFixtureAdapter,
  readPairs,
  readPreferenceFixture,
} from './preference_fixtures.ts'
import { constant, toHost } from './tensor.ts'

interface Answer {
  readonly logps: number
  readonly reference_logps: number
  readonly logits: number
}

interface Losses {
  readonly metrics: Readonly<Record<string, number>>
  readonly answers: readonly { readonly chosen: Answer; readonly rejected: Answer }[]
  readonly losses: Readonly<Record<string, { readonly dpo: DpoLoss; readonly loss: number }>>
}

describe('DPO against TRL', () => {
  let model: FixtureModel
  let adapter: FixtureAdapter
  let pairs: readonly FixturePair[]
  let expected: Losses
  before(async () => {
    model = await fixtureModel()
    adapter = await readFixtureAdapter('dpo', 'adapter')
    expected = await readPreferenceFixture('dpo', 'losses.json')
    pairs = (await readPairs()).slice(0, expected.answers.length)
  })

  const task = (dpo: DpoLoss) => ({ config: model.config, stored: model.stored, lora: adapter.lora, dpo })
  const plain = () => expected.losses['sigmoid']!.dpo
  const answers = (key: keyof Answer) =>
    expected.answers.flatMap(({ chosen, rejected }) => [chosen[key], rejected[key]])
  const batch = (): Feeds => ({
    ...collatePairs(pairSequences(pairs), { total: pairs.length }),
    reference_logps: toHost(constant([pairs.length, 2], answers('reference_logps')), 'float32'),
  })

  async function run(graph: Graph, feeds: Feeds): Promise<Record<string, number[]>> {
    const session = await model.open(graph)
    const outputs = await session.run(feeds)
    await session.release()
    return numbersOf(outputs)
  }

  it('has the summed log-probabilities of policy and reference, from one session', async () => {
    const session = await model.open(dpoEvaluationGraph(task(plain())))
    const policy = numbersOf(await session.run({ ...batch(), ...adapter.feeds }))
    const reference = numbersOf(await session.run({ ...batch(), ...adapter.feeds, ...loraScale(0) }))
    await session.release()
    expect(largestDifference(policy['logps']!, answers('logps'))).to.be.at.most(1e-5)
    expect(largestDifference(reference['logps']!, answers('reference_logps'))).to.be.at.most(1e-5)
    expect(largestDifference(policy['logits']!, answers('logits'))).to.be.at.most(1e-6)
    expect(
      largestDifference(
        reference['rewards']!,
        reference['rewards']!.map(() => 0),
      ),
    ).to.be.at.most(1e-5)
  })

  it("has what TRL's metrics are the means of", async () => {
    const got = await run(dpoEvaluationGraph(task(plain())), { ...batch(), ...adapter.feeds })
    const { metrics } = expected
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    const column = (name: string, answer: number) => got[name]!.filter((_, i) => i % 2 === answer)
    for (const [answer, title] of ['chosen', 'rejected'].entries()) {
      expect(mean(column('rewards', answer))).to.be.closeTo(metrics[`rewards/${title}`]!, 1e-5)
      expect(mean(column('logps', answer))).to.be.closeTo(metrics[`logps/${title}`]!, 1e-5)
      // TRL's is the mean over all tokens of the batch: an answer counts by its length.
      const lengths = pairs.map((pair) => pair[title as 'chosen' | 'rejected'].length)
      const sum = column('logits', answer).reduce((total, logit, i) => total + logit * lengths[i]!, 0)
      expect(sum / lengths.reduce((total, length) => total + length)).to.be.closeTo(
        metrics[`logits/${title}`]!,
        1e-6,
      )
    }
    const margins = column('rewards', 0).map((reward, i) => reward - column('rewards', 1)[i]!)
    expect(mean(margins)).to.be.closeTo(metrics['rewards/margins']!, 1e-5)
    expect(mean(margins.map((margin) => Number(margin > 0)))).to.equal(metrics['rewards/accuracies'])
  })

  for (const name of ['sigmoid', 'sigmoid_smoothed', 'sigmoid_per_token', 'hinge', 'ipo', 'robust']) {
    it(`has the loss and every gradient, ${name}`, async () => {
      const { dpo, loss } = expected.losses[name]!
      const got = await run(dpoTrainingGraph(task(dpo)), { ...batch(), ...adapter.feeds })
      expect(got['loss']![0]).to.be.closeTo(loss, 1e-5)
      await expectGradients(got, 'dpo', 'gradients', `${name}.safetensors`)
    })
  }

  it('has no use for pads: other ids there change neither loss nor any gradient', async () => {
    const changed = otherPads(batch(), model.config.vocab_size)
    expect(changed['input_ids']!.data).to.not.deep.equal(batch()['input_ids']!.data)
    const [before, after] = [
      await run(dpoTrainingGraph(task(plain())), { ...batch(), ...adapter.feeds }),
      await run(dpoTrainingGraph(task(plain())), { ...changed, ...adapter.feeds }),
    ]
    for (const [name, values] of Object.entries(before))
      expect(largestDifference(after[name]!, values), name).to.equal(0)
  })
})
