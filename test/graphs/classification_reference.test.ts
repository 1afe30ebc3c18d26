import { expect } from 'chai'

import {
  classificationEvaluationGraph,
  classificationTrainingGraph,
  classifierGraph,
} from '../../graphs/tasks/classification.ts'
import { poolings } from '../../graphs/layers/pooling.ts'
import { HEAD } from '../../graphs/models/encoder.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import type { Feeds, HostTensor } from '../../src/runtime/session.ts'
import type { Adapted, ClassifierBatch, FixtureClassifier } from './classification_fixtures.ts'
import {
  ADAPTATIONS,
  adapted,
  batchFeeds,
  batchSequences,
  classifierFixture,
  fixtureClassifier,
  readClassifierFixture,
} from './classification_fixtures.ts'
import { largestDifference, numbersOf, otherPads, relativeDifference } from './gpt2_fixtures.ts'

const DROPOUT = 0.25

describe('classification against transformers and PEFT', () => {
  let model: FixtureClassifier
  let batch: ClassifierBatch & { readonly dropout_mask: readonly (readonly number[])[] }
  let expected: ReadonlyMap<string, FloatTensor>
  before(async () => {
    model = await fixtureClassifier()
    batch = await readClassifierFixture('batch.json')
    expected = await readTensors(classifierFixture('logits.safetensors'))
  })

  const dropoutMask = (): HostTensor => ({
    dtype: 'float32',
    dims: [batch.labels.length, model.config.n_embd],
    data: Float32Array.from(batch.dropout_mask.flat()),
  })

  /** The training graph's outputs, with dropout where there is a mask. */
  async function train({ task, feeds }: Adapted, fed: Feeds): Promise<Record<string, number[]>> {
    const session = await model.open(classificationTrainingGraph(task))
    const outputs = await session.run({ ...fed, ...feeds })
    await session.release()
    return numbersOf(outputs)
  }

  /** Of the evaluation graph. */
  async function logits({ task, feeds }: Adapted, fed: Feeds): Promise<number[]> {
    const session = await model.open(classificationEvaluationGraph(task))
    const outputs = await session.run({ ...fed, ...feeds }, { outputs: ['logits'] })
    await session.release()
    return numbersOf(outputs)['logits']!
  }

  async function expectGradients(got: Record<string, number[]>, name: string): Promise<void> {
    const { loss } = await readClassifierFixture<{ loss: number }>('gradients', `${name}.json`)
    const gradients = await readTensors(classifierFixture('gradients', `${name}.safetensors`))
    expect(got['loss']![0]).to.be.closeTo(loss, 5e-6)
    expect(gradients.size).to.equal(Object.keys(got).length - 1)
    for (const [key, { data }] of gradients) {
      const gradient = got[`${key.replace('base_model.model.', '')}_grad`]!
      expect(relativeDifference(gradient, data), key).to.be.at.most(1e-5)
    }
  }

  for (const pooling of poolings) {
    it(`has the logits, pooling ${pooling}, of the model and with the adapter`, async () => {
      const fed = batchFeeds(batch, pooling, model.config)
      for (const [name, lora] of [
        [pooling, 'full'],
        [pooling, 'none'],
        [`lora_${pooling}`, 'lora'],
      ] as const) {
        const got = await logits(await adapted(model, lora, { pooling, dropout: DROPOUT }), fed)
        expect(largestDifference(got, expected.get(name)!.data), `${name} from ${lora}`).to.be.at.most(1e-5)
      }
    })

    it(`gives the same logits for inference, whole batches and single texts, pooling ${pooling}`, async () => {
      for (const lora of ADAPTATIONS) {
        const { task, feeds } = await adapted(model, lora, { pooling, dropout: 0 })
        const fed = batchFeeds(batch, pooling, model.config)
        const evaluated = await logits({ task, feeds, tensors: new Map() }, fed)
        const whole = {
          config: model.config,
          classes: task.classes,
          pooling,
          stored: model.stored,
          ...(typeof task.lora === 'string' ? {} : { lora: task.lora }),
        }
        // With adapters the head is one of the inputs, and so is every weight where none is stored.
        const withoutHead = new Map([...model.stored].filter(([name]) => name !== HEAD))
        const graph = classifierGraph({
          ...whole,
          ...(lora === 'full' ? { stored: undefined } : lora === 'lora' ? { stored: withoutHead } : {}),
        })
        const session = await model.open(graph)
        const infer = async ({ input_ids, attention_mask }: Feeds) => {
          const own = lora === 'none' ? {} : feeds
          const tokens = { input_ids: input_ids!, attention_mask: attention_mask! }
          return numbersOf(await session.run({ ...tokens, ...own }))['logits']!
        }
        expect(largestDifference(await infer(fed), evaluated), lora).to.be.at.most(5e-6)
        const single: number[] = []
        for (const b of batch.labels.keys())
          single.push(...(await infer(batchFeeds(rowOf(batch, b), pooling, model.config))))
        expect(largestDifference(single, evaluated), `${lora}, without padding`).to.be.at.most(5e-6)
        await session.release()
      }
    })

    it(`has no use for pads: other ids there change neither loss nor any gradient, pooling ${pooling}`, async () => {
      const fed: Feeds = { ...batchFeeds(batch, pooling, model.config), dropout_mask: dropoutMask() }
      const changed = otherPads(fed, model.config.vocab_size)
      expect(changed['input_ids']!.data).to.not.deep.equal(fed['input_ids']!.data)
      for (const lora of ADAPTATIONS) {
        const setup = await adapted(model, lora, { pooling, dropout: DROPOUT })
        const [before, after] = [await train(setup, fed), await train(setup, changed)]
        for (const [name, values] of Object.entries(before))
          expect(largestDifference(after[name]!, values), `${lora}: ${name}`).to.equal(0)
      }
    })
  }

  for (const name of ADAPTATIONS) {
    it(`has the loss and every gradient, ${name}`, async () => {
      const setup = await adapted(model, name, { pooling: 'last', dropout: 0 })
      await expectGradients(await train(setup, batchFeeds(batch, 'last', model.config)), name)
    })
  }

  it('has the loss and every gradient with an adapter, the masked mean and dropout', async () => {
    const setup = await adapted(model, 'lora', { pooling: 'mean', dropout: DROPOUT })
    const fed = { ...batchFeeds(batch, 'mean', model.config), dropout_mask: dropoutMask() }
    await expectGradients(await train(setup, fed), 'lora_mean_dropout')
  })

  it('pools the last token whatever its id, also where it is an end of text', async () => {
    const fed = batchFeeds(batch, 'last', model.config)
    const positions = numbersOf({ positions: fed['pool_positions']! })['positions']!
    expect(positions).to.deep.equal(
      batchSequences(batch).map(([one], b) => 12 * b + one!.input_ids.length - 1),
    )
    const ids = numbersOf({ ids: fed['input_ids']! })['ids']!
    const ended = ids.map((id, i) => (i === positions[0] ? 96 : id))
    const changed = { ...fed, input_ids: { ...fed['input_ids']!, data: BigInt64Array.from(ended, BigInt) } }
    const setup = await adapted(model, 'full', { pooling: 'last', dropout: 0 })
    const [before, after] = [await logits(setup, fed), await logits(setup, changed)]
    expect(largestDifference(before.slice(0, 3), after.slice(0, 3))).to.be.greaterThan(0.1)
    expect(after.slice(3)).to.deep.equal(before.slice(3))
  })
})

const rowOf = ({ input_ids, attention_mask, labels }: ClassifierBatch, b: number): ClassifierBatch => ({
  input_ids: [input_ids[b]!],
  attention_mask: [attention_mask[b]!],
  labels: [labels[b]!],
})
