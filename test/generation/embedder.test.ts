import { join } from 'node:path'

import { env } from '@xenova/transformers'
import { expect } from 'chai'

import type { Embedder } from '../../src/models/embedder.ts'
import { openModelEmbedder } from '../../src/models/embedder.ts'
import { exportModel } from '../../src/exports/export_model.ts'
import { openTransformersEmbedder } from '../../src/models/transformers_embedder.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { largestDifference } from '../graphs/gpt2_fixtures.ts'
import { writeTinyModel } from '../tiny_model.ts'
import { createTinyRun, writeBestCheckpoint } from '../training/tiny_run.ts'
import { writeFeatureExtractor } from './feature_extractor.ts'

const texts = ['It is', 'Word: dog ; Definition: a kind of animal', '世界は', 'a', 'The 🙂 is', 'It is']

async function embedWith(opening: Promise<Embedder>, given: readonly string[] = texts) {
  const embedder = await opening
  try {
    return await embedder.embed(given)
  } finally {
    await embedder.release()
  }
}

const withModel = (use: (model: string, beside: (name: string) => string) => Promise<void>) =>
  withFolder(async (folder) => {
    const model = join(folder, 'model')
    await writeTinyModel(model)
    await use(model, (name) => join(folder, name))
  })

describe('generation/embedder', () => {
  it('embeds each text alike however many are embedded together', async () => {
    await withModel(async (model) => {
      const together = await embedWith(openModelEmbedder(model))
      const alone = await embedWith(openModelEmbedder(model, { batch: 1 }))
      for (const [i, vector] of together.entries()) {
        expect(vector.length).to.equal(32)
        expect(largestDifference(vector, alone[i]!), texts[i]).to.be.at.most(1e-5)
      }
      expect(largestDifference(together[0]!, together[5]!)).to.be.at.most(1e-5)
      expect(largestDifference(together[0]!, together[1]!)).to.be.greaterThan(0.1)
    })
  })

  it('gives zeros for an empty text, and the beginning counts of one longer than the context', async () => {
    await withModel(async (model) => {
      const [empty, long, beginning] = await embedWith(openModelEmbedder(model), [
        '',
        ' a'.repeat(80),
        ' a'.repeat(64),
      ])
      expect(empty).to.deep.equal(new Float32Array(32))
      expect(largestDifference(long!, beginning!)).to.be.at.most(1e-5)
      expect(await embedWith(openModelEmbedder(model), [''])).to.deep.equal([new Float32Array(32)])
    })
  })

  it('takes the base model of a run or an adapter', async () => {
    await withFolder(async (folder) => {
      const { run, model } = await createTinyRun(folder, [{ prompt: 'It is', completion: ' a dog' }])
      await writeBestCheckpoint(run)
      const base = await embedWith(openModelEmbedder(model))
      expect(await embedWith(openModelEmbedder(run))).to.deep.equal(base)
      expect(await embedWith(openModelEmbedder(join(run, 'checkpoints', 'best')))).to.deep.equal(base)
    })
  })
})

describe('generation/transformers_embedder', () => {
  it('gives what the model itself gives, through transformers.js', async () => {
    await withModel(async (model, beside) => {
      const extractor = beside('extractor')
      await writeFeatureExtractor(model, extractor)
      const expected = await embedWith(openModelEmbedder(model), [...texts, ''])
      for (const batch of [2, 32]) {
        const got = await embedWith(openTransformersEmbedder(extractor, batch), [...texts, ''])
        for (const [i, vector] of got.entries())
          expect(largestDifference(vector, expected[i]!), texts[i]).to.be.at.most(1e-5)
      }
    })
  })

  it('says what is wrong with a model that is missing, broken or of another task', async () => {
    await withModel(async (model, beside) => {
      const open = (name: string) => userError(() => openTransformersEmbedder(name))
      expect(await open(beside('nowhere'))).to.match(/nowhere does not exist/)
      expect(await open('./nowhere')).to.match(/^\.\/nowhere does not exist/)
      expect(await open(model)).to.match(/model cannot be opened by transformers\.js .* onnx\/model\.onnx/)
      await exportModel({ model: { base: model }, out: beside('generator') })
      expect(await open(beside('generator'))).to.match(/is no feature extractor: it gives logits, present/)

      const allowed = env.allowRemoteModels
      env.allowRemoteModels = false // as without a network
      try {
        expect(await open('nobody/nothing')).to.match(/^nobody\/nothing is neither a folder here nor a model/)
      } finally {
        env.allowRemoteModels = allowed
      }
    })
  })
})
