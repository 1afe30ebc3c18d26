import { expect } from 'chai'

import { sftEvaluationGraph, sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { decodingGraph, inferenceGraph } from '../../graphs/inference/generation.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import type { Feeds, HostTensor } from '../../src/runtime/session.ts'
import type { FixtureBatch, FixtureModel } from './gpt2_fixtures.ts'
import {
  fixture,
  fixtureModel,
  inferenceFeeds,
  largestDifference,
  readFixture,
  relativeDifference,
  trainingFeeds,
} from './gpt2_fixtures.ts'

const variants = ['gelu', 'relu', 'silu', 'layer_norm_epsilon', 'n_inner', 'untied', 'hub_layout']
const adapters = ['attention', 'everywhere']

/** Logits are stored as 0 at pads, where they mean nothing. */
function atTokens(logits: Float32Array, { attention_mask }: FixtureBatch): number[] {
  const mask = attention_mask.flat()
  const width = logits.length / mask.length
  return Array.from(logits).filter((_, i) => mask[Math.floor(i / width)] === 1)
}

async function logits(model: FixtureModel, batch: FixtureBatch, lora?: LoraConfig, adapter: Feeds = {}) {
  const session = await model.open(inferenceGraph({ ...model, ...(lora ? { lora } : {}) }))
  const outputs = await session.run({ ...inferenceFeeds(batch, model.config), ...adapter })
  await session.release()
  return atTokens(outputs['logits']!.data as Float32Array, batch)
}

async function adapterOf(name: string): Promise<{ lora: LoraConfig; feeds: Feeds }> {
  const { tensors, ...lora } = await readPeftAdapter(fixture('lora', name))
  return { lora, feeds: { ...tensorFeeds(tensors), ...loraScale(lora.lora_alpha / lora.r) } }
}

describe('GPT-2 against transformers', () => {
  let model: FixtureModel
  let batches: Record<'right' | 'left', FixtureBatch>
  before(async () => {
    model = await fixtureModel()
    batches = await readFixture('batches.json')
  })

  for (const side of ['right', 'left'] as const) {
    it(`has the logits of a batch padded on the ${side}`, async () => {
      const expected = await readTensors(fixture('logits.safetensors'))
      const got = await logits(model, batches[side])
      expect(largestDifference(got, atTokens(expected.get(side)!.data, batches[side]))).to.be.at.most(1e-5)
    })
  }

  for (const variant of variants) {
    it(`has the logits of the variant ${variant}`, async () => {
      const batch = await readFixture<FixtureBatch>('variants', 'batch.json')
      const expected = await readTensors(fixture('variants', variant, 'logits.safetensors'))
      const got = await logits(await fixtureModel('variants', variant), batch)
      expect(largestDifference(got, atTokens(expected.get('logits')!.data, batch))).to.be.at.most(1e-5)
    })
  }

  for (const adapter of adapters) {
    it(`has the logits with the LoRA adapter ${adapter}, and the base model's at scale 0`, async () => {
      const { lora, feeds } = await adapterOf(adapter)
      const expected = await readTensors(fixture('lora', adapter, 'logits.safetensors'))
      const got = await logits(model, batches.right, lora, feeds)
      expect(largestDifference(got, atTokens(expected.get('right')!.data, batches.right))).to.be.at.most(1e-5)
      const frozen = await logits(model, batches.right, lora, { ...feeds, ...loraScale(0) })
      expect(frozen).to.deep.equal(await logits(model, batches.right))
    })
  }

  it('has the loss and the gradient of every parameter', async () => {
    const { loss } = await readFixture<{ loss: number }>('gradients.json')
    const expected = await readTensors(fixture('gradients.safetensors'))
    const parameters = tensorFeeds(await readTensors(fixture('model', 'model.safetensors')))
    const session = await model.open(sftTrainingGraph({ ...model }))
    const outputs = await session.run({ ...trainingFeeds(batches.right), ...parameters })
    await session.release()
    expect(outputs['loss']!.data[0]).to.be.closeTo(loss, 1e-5)
    expect(expected.size).to.equal(Object.keys(outputs).length - 1)
    for (const [name, { data }] of expected) {
      const got = outputs[`${name}_grad`]!.data as Float32Array
      expect(relativeDifference(got, data), name).to.be.at.most(1e-5)
    }
  })

  for (const adapter of adapters) {
    it(`has the loss and every gradient of the LoRA adapter ${adapter}`, async () => {
      const { lora, feeds } = await adapterOf(adapter)
      const { loss } = await readFixture<{ loss: number }>('lora', adapter, 'gradients.json')
      const expected = await readTensors(fixture('lora', adapter, 'gradients.safetensors'))
      const session = await model.open(sftTrainingGraph({ ...model, lora }))
      const outputs = await session.run({ ...trainingFeeds(batches.right), ...feeds })
      await session.release()
      expect(outputs['loss']!.data[0]).to.be.closeTo(loss, 1e-5)
      expect(expected.size).to.equal(Object.keys(outputs).length - 1)
      for (const [name, { data }] of expected) {
        const got = outputs[`${name.replace('base_model.model.', '')}_grad`]!.data as Float32Array
        expect(relativeDifference(got, data), name).to.be.at.most(1e-5)
      }
    })
  }

  it('has the same loss for either side of padding, and per token from the evaluation graph', async () => {
    const { loss } = await readFixture<{ loss: number }>('gradients.json')
    const { lora, feeds } = await adapterOf('attention')
    const session = await model.open(sftEvaluationGraph({ ...model, lora }))
    for (const side of ['right', 'left'] as const) {
      const fed = { ...trainingFeeds(batches[side]), ...feeds, ...loraScale(0) }
      const { loss: got, nll } = await session.run(fed)
      expect(got!.data[0]).to.be.closeTo(loss, 1e-5)
      const single = Array.from(nll!.data as Float32Array)
      expect(single.reduce((sum, value) => sum + value, 0) / single.length).to.be.closeTo(loss, 1e-5)
    }
    await session.release()
  })

  it('gives the same logits when a sequence comes piece by piece through a cache', async () => {
    const { config } = model
    const inference = await model.open(inferenceGraph(model))
    const whole = await inference.run(inferenceFeeds(batches.right, config))
    // The first three tokens, then one more, by the graph whose caller keeps the cache and by the one that returns it.
    const decoding = await model.open(decodingGraph(model))
    const cut = (from: number, to: number): FixtureBatch => {
      const part = (rows: readonly (readonly number[])[]) => [rows[0]!.slice(from, to)]
      return {
        input_ids: part(batches.right.input_ids),
        position_ids: part(batches.right.position_ids),
        attention_mask: [batches.right.attention_mask[0]!.slice(0, to)],
        labels: [],
      }
    }
    const positions: HostTensor = { dtype: 'int64', dims: [1], data: BigInt64Array.of(0n) }
    const first = await inference.run(inferenceFeeds(cut(0, 3), config))
    const past = Object.fromEntries(
      Object.entries(first).flatMap(([name, tensor]) =>
        name.startsWith('present') ? [[name.replace('present', 'past_key_values'), tensor]] : [],
      ),
    )
    const next = { ...inferenceFeeds(cut(3, 4), config), ...past }
    const grown = await inference.run(next)
    const kept = await decoding.run({ ...next, logits_positions: positions })
    const expected = (whole['logits']!.data as Float32Array).subarray(3 * 97, 4 * 97)
    for (const { logits: got } of [grown, kept]) {
      expect(largestDifference(expected, got!.data as Float32Array)).to.be.at.most(1e-5)
    }
    expect(grown['present.1.key']!.dims).to.deep.equal([1, 3, 4, 8])
    expect(kept['present.1.key']!.dims).to.deep.equal([1, 3, 1, 8])
    await inference.release()
    await decoding.release()
  })
})
