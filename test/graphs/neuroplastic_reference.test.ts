import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

import { expect } from 'chai'

import { neuroplasticTrainingGraph } from '../../graphs/tasks/neuroplastic.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import type { FixtureBatch } from './gpt2_fixtures.ts'
import {
  fixture,
  fixtureModel,
  largestDifference,
  numbersOf,
  relativeDifference,
  trainingFeeds,
} from './gpt2_fixtures.ts'
import { constant, toHost } from './tensor.ts'

const root = resolve(import.meta.dirname, '../fixtures/neuroplastic')

interface Terms {
  readonly batch: FixtureBatch
  readonly semantic_weight: number
  readonly entropy_weight: number
  readonly cross_entropy: number
  readonly entropy: number
  readonly cosines: readonly number[]
  readonly loss: number
}

describe('neuro-plastic terms against PyTorch', () => {
  it('have its values, and the gradient of every parameter', async () => {
    const stored = JSON.parse(await readFile(resolve(root, 'terms.json'), 'utf8')) as Terms
    const model = await fixtureModel()
    const { labels, attention_mask } = stored.batch
    const tokens = trainingFeeds(stored.batch)
    const masked = (of: (real: number, label: number) => boolean) =>
      toHost(
        constant(
          [labels.length, labels[0]!.length],
          labels.flatMap((row, b) => row.map((label, t) => Number(of(attention_mask[b]![t]!, label)))),
        ),
        'int64',
      )
    const equal = (count: number, whole: number) =>
      toHost(constant([count], new Array<number>(count).fill(whole / count)), 'float32')
    const session = await model.open(neuroplasticTrainingGraph({ ...model, stored: undefined }))
    const outputs = await session.run({
      ...tokens,
      prompt_mask: masked((real, label) => real === 1 && label < 0),
      response_mask: masked((real, label) => real === 1 && label >= 0),
      semantic_weights: equal(labels.length, stored.semantic_weight),
      entropy_weights: equal(tokens['labels']!.dims[0]!, stored.entropy_weight),
      ...tensorFeeds(await readTensors(fixture('model', 'model.safetensors'))),
    })
    await session.release()
    const { loss, nll, entropies, cosines, ...gradients } = numbersOf(outputs)
    const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length
    expect(loss![0]).to.be.closeTo(stored.loss, 1e-5)
    expect(mean(nll!)).to.be.closeTo(stored.cross_entropy, 1e-5)
    expect(mean(entropies!)).to.be.closeTo(stored.entropy, 1e-5)
    expect(largestDifference(cosines!, stored.cosines)).to.be.at.most(1e-6)
    const expected = await readTensors(resolve(root, 'gradients.safetensors'))
    expect(Object.keys(gradients)).to.have.members([...expected.keys()].map((name) => `${name}_grad`))
    for (const [name, { data }] of expected)
      expect(relativeDifference(gradients[`${name}_grad`]!, data), name).to.be.at.most(1e-5)
  })
})
