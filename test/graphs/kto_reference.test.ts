import { expect } from 'chai'

import type { Graph } from '../../graphs/ir/graph.ts'
import type { KtoLoss } from '../../graphs/losses/kto.ts'
import { ktoEvaluationGraph, ktoTrainingGraph } from '../../graphs/tasks/kto.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { adaptersOff } from '../../src/runtime/feeds.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { collateUnpaired } from '../../src/tasks/kto/collate.ts'
import { logProbabilitiesOf } from '../../src/tasks/kto/kto.ts'
import { ktoMetrics } from '../../src/tasks/kto/metrics.ts'
import { mismatchedBatches } from '../../src/tasks/kto/mismatched.ts'
import type { FixtureModel } from './gpt2_fixtures.ts'
import { fixtureModel, largestDifference, numbersOf, otherPads } from './gpt2_fixtures.ts'
import type { KtoLosses } from './kto_fixtures.ts'
import { readKtoLosses, readUnpaired } from './kto_fixtures.ts'
import type { FixtureAdapter } from './preference_fixtures.ts'
import { expectGradients, readFixtureAdapter } from './preference_fixtures.ts'

describe('KTO against TRL', () => {
  let model: FixtureModel
  let adapter: FixtureAdapter
  let rows: readonly EncodedExample[]
  let expected: KtoLosses
  before(async () => {
    model = await fixtureModel()
    adapter = await readFixtureAdapter('kto', 'adapter')
    expected = await readKtoLosses()
    rows = await readUnpaired()
  })

  const plain = () => expected.losses['plain']!.kto
  const task = ({ beta, desirable_weight, undesirable_weight }: KtoLoss) => ({
    config: model.config,
    stored: model.stored,
    lora: adapter.lora,
    kto: { beta, desirable_weight, undesirable_weight },
  })
  const sequences = (batch: number) => expected.batches[batch]!.rows.map((i) => [rows[i]!])
  const feeds = (batch: number, kl: number): Feeds => {
    const reference = expected.batches[batch]!.rows.map((i) => expected.rows[i]!.reference_logps)
    return collateUnpaired(sequences(batch), {
      reference: Float32Array.from(reference),
      kl,
      total: reference.length,
    })
  }

  async function run(graph: Graph, given: Feeds) {
    const session = await model.open(graph)
    const outputs = await session.run({ ...given, ...adapter.feeds })
    await session.release()
    return outputs
  }

  it('has the log-probabilities of rows and of mismatched rows, of policy and reference, from one session', async () => {
    const session = await model.open(ktoEvaluationGraph(task(plain())))
    const policy = logProbabilitiesOf(session, adapter.feeds)
    const reference = logProbabilitiesOf(session, adaptersOff(adapter.feeds))
    for (const batch of expected.batches.keys()) {
      const stored = sequences(batch).map((_, i) => expected.rows[expected.batches[batch]!.rows[i]!]!)
      const own = sequences(batch)
      const inMemory = { size: own.length, row: (i: number) => own[i]![0]! }
      const [mixed] = [...mismatchedBatches(inMemory, { batchSize: 4, longest: 64 })]
      for (const [tell, key] of [
        [policy, 'logps'],
        [reference, 'reference_logps'],
      ] as const) {
        const [found, foundMixed] = [await tell(own), await tell(mixed!)]
        expect(
          largestDifference(
            found,
            stored.map((row) => row[key]),
          ),
        ).to.be.at.most(1e-5)
        const wanted = stored.map(({ mismatched }) => mismatched[key])
        expect(largestDifference(foundMixed, wanted)).to.be.at.most(1e-5)
      }
    }
    await session.release()
  })

  for (const name of ['plain', 'weighted', 'steep', 'clamped', 'desirable_only', 'apo_zero_unpaired']) {
    it(`has the loss, every gradient and the metrics, ${name}`, async () => {
      const { kto, batch, loss, metrics } = expected.losses[name]!
      const z0 = kto.loss_type === 'kto' ? expected.batches[batch]!.z0 : 0
      const outputs = await run(ktoTrainingGraph(task(kto)), feeds(batch, z0))
      const got = numbersOf(outputs)
      expect(got['loss']![0]).to.be.closeTo(loss, 1e-5)
      await expectGradients(got, 'kto', 'gradients', `${name}.safetensors`)
      const found = { kl: z0, ...ktoMetrics([outputs], sequences(batch)) }
      expect(Object.keys(found)).to.have.members(Object.keys(metrics))
      for (const [metric, value] of Object.entries(metrics))
        expect(found[metric as keyof typeof found], metric).to.be.closeTo(value, 1e-5)
    })
  }

  it('has no use for pads: other ids there change neither loss nor any gradient', async () => {
    const given = feeds(0, 0.5)
    const changed = otherPads(given, model.config.vocab_size)
    expect(changed['input_ids']!.data).to.not.deep.equal(given['input_ids']!.data)
    const [before, after] = [
      numbersOf(await run(ktoTrainingGraph(task(plain())), given)),
      numbersOf(await run(ktoTrainingGraph(task(plain())), changed)),
    ]
    for (const [name, values] of Object.entries(before))
      expect(largestDifference(after[name]!, values), name).to.equal(0)
  })
})
