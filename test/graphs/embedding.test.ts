import { expect } from 'chai'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

import { embeddingGraph } from '../../graphs/inference/embedding.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import type { HostTensor, Session } from '../../src/runtime/session.ts'
import type { FixtureBatch, FixtureModel } from './gpt2_fixtures.ts'
import { fixture, fixtureModel, largestDifference, readFixture } from './gpt2_fixtures.ts'

const names = ['input_ids', 'attention_mask', 'position_ids'] as const

/** The batch as inputs; what lies at pads is replaced by `filler`. */
function feeds(batch: FixtureBatch, filler?: number): Record<string, HostTensor> {
  const dims = [batch.input_ids.length, batch.input_ids[0]!.length]
  const mask = batch.attention_mask.flat()
  const at = (name: (typeof names)[number], value: number, i: number) =>
    name !== 'attention_mask' && filler !== undefined && mask[i] === 0 ? filler : value
  return Object.fromEntries(
    names.map((name) => {
      const values = batch[name].flat().map((value, i) => BigInt(at(name, value, i)))
      return [name, { dtype: 'int64', dims, data: BigInt64Array.from(values) }]
    }),
  )
}

describe('the embedding graph', () => {
  let model: FixtureModel
  let batches: Record<'right' | 'left', FixtureBatch>
  let expected: Record<'right' | 'left', number[][]>
  let session: Session
  before(async () => {
    model = await fixtureModel()
    batches = await readFixture('batches.json')
    const path = resolve(import.meta.dirname, '../fixtures/embeddings.json')
    expected = JSON.parse(await readFile(path, 'utf8')) as typeof expected
    session = await model.open(embeddingGraph(model))
  })
  after(() => session.release())

  const embed = async (batch: FixtureBatch, filler?: number) =>
    (await session.run(feeds(batch, filler)))['embeddings']!

  for (const side of ['right', 'left'] as const) {
    it(`gives the mean hidden states that transformers computes, padded on the ${side}`, async () => {
      const { dims, data } = await embed(batches[side])
      expect(dims).to.deep.equal([3, model.config.n_embd])
      expect(largestDifference(data as Float32Array, expected[side].flat())).to.be.at.most(1e-5)
    })

    it(`does not see what lies at pads on the ${side}`, async () => {
      const { data } = await embed(batches[side])
      expect((await embed(batches[side], 7)).data).to.deep.equal(data)
    })
  }

  it('takes the parameters as inputs where they lie in no file', async () => {
    const inputs = await model.open(embeddingGraph({ config: model.config }))
    const parameters = tensorFeeds(await readTensors(fixture('model', 'model.safetensors')))
    const { embeddings } = await inputs.run({ ...feeds(batches.right), ...parameters })
    await inputs.release()
    expect(largestDifference(embeddings!.data as Float32Array, expected.right.flat())).to.be.at.most(1e-5)
  })
})
