import { expect } from 'chai'

import { rewardEvaluationGraph, rewardTrainingGraph } from '../../graphs/tasks/reward.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { collateAnswers } from '../../src/tasks/reward.ts'
import type { BertBatch, FixtureBert } from './bert_fixtures.ts'
import { fixtureBert, SEPARATOR } from './bert_fixtures.ts'
import { batchSequences } from './classification_fixtures.ts'
import type { FixtureModel } from './gpt2_fixtures.ts'
import { fixtureModel, largestDifference, numbersOf, otherPads } from './gpt2_fixtures.ts'
import type { FixtureAdapter } from './preference_fixtures.ts'
import {
  expectGradients,
  pairSequences,
  readFixtureAdapter,
  readPairs,
  readPreferenceFixture,
} from './preference_fixtures.ts'

interface RewardLoss {
  readonly center_rewards_coefficient: number
  readonly margins: readonly number[]
  readonly loss: number
  readonly scores: readonly (readonly number[])[]
}

const backbones = {
  gpt2: { open: () => fixtureModel(), pairs: gpt2Pairs },
  bert: { open: () => fixtureBert(), pairs: bertPairs },
}

async function gpt2Pairs(): Promise<EncodedExample[][]> {
  return pairSequences((await readPairs()).slice(0, 4))
}

/** The rows of the batch are the chosen answers, then the rejected ones. */
async function bertPairs(): Promise<EncodedExample[][]> {
  const batch = await readPreferenceFixture<BertBatch>('reward', 'bert', 'batch.json')
  const rows = batchSequences({ ...batch, labels: batch.input_ids.map(() => 0) }).flat()
  return [0, 1, 2, 3].map((pair) => [rows[pair]!, rows[pair + 4]!])
}

for (const [name, { open, pairs: read }] of Object.entries(backbones)) {
  describe(`reward model against TRL, ${name}`, () => {
    let model: FixtureModel | FixtureBert
    let adapter: FixtureAdapter
    let pairs: EncodedExample[][]
    let expected: Readonly<Record<string, RewardLoss>>
    before(async () => {
      model = await open()
      adapter = await readFixtureAdapter('reward', name, 'adapter')
      pairs = await read()
      expected = await readPreferenceFixture('reward', name, 'losses.json')
    })

    const task = (center_rewards_coefficient = 0) => {
      const config: ModelConfig = model.config
      const { stored } = model
      return {
        config,
        stored,
        lora: adapter.lora,
        pooling: 'last',
        dropout: 0,
        center_rewards_coefficient,
      } as const
    }

    function batch(margins: readonly number[]): Feeds {
      const rows = pairs.map((pair, i) => pair.map((row) => ({ ...row, margin: margins[i]! })))
      const separator = model.config.model_type === 'bert' ? SEPARATOR : undefined
      return collateAnswers(rows, { config: model.config, pooling: 'last', separator }, pairs.length)
    }

    async function run(graph: Graph, feeds: Feeds): Promise<Record<string, number[]>> {
      const session = await model.open(graph)
      const outputs = await session.run({ ...feeds, ...adapter.feeds })
      await session.release()
      return numbersOf(outputs)
    }

    for (const loss of ['plain', 'margin', 'centered']) {
      it(`has the scores, the loss and every gradient, ${loss}`, async () => {
        const { center_rewards_coefficient, margins, ...stored } = expected[loss]!
        const evaluated = await run(rewardEvaluationGraph(task(center_rewards_coefficient)), batch(margins))
        const got = await run(rewardTrainingGraph(task(center_rewards_coefficient)), batch(margins))
        for (const { scores, loss } of [evaluated, got]) {
          expect(largestDifference(scores!, stored.scores.flat())).to.be.at.most(1e-5)
          expect(loss![0]).to.be.closeTo(stored.loss, 1e-5)
        }
        await expectGradients(got, 'reward', name, 'gradients', `${loss}.safetensors`)
      })
    }

    it('has no use for pads: other ids there change neither loss nor any gradient', async () => {
      const fed = batch(expected['margin']!.margins)
      const changed = otherPads(fed, model.config.vocab_size)
      expect(changed['input_ids']!.data).to.not.deep.equal(fed['input_ids']!.data)
      const [before, after] = [
        await run(rewardTrainingGraph(task()), fed),
        await run(rewardTrainingGraph(task()), changed),
      ]
      for (const [output, values] of Object.entries(before))
        expect(largestDifference(after[output]!, values), output).to.equal(0)
    })
  })
}
