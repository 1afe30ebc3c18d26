import { join } from 'node:path'

import { expect } from 'chai'

import { openModelEmbedder } from '../../src/models/embedder.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { cosine } from '../../src/metrics/cosine.ts'
import { textMetrics } from '../../src/metrics/text_metrics.ts'
import { enoughTokens, evaluateGeneration, hasPrompts } from '../../src/evaluation/evaluate_generation.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'
import { createTinyRun, writeBestCheckpoint } from '../training/tiny_run.ts'

/** Each of them continued by the tiny model in a way of its own. */
const prompts = ['Word: lamp ;', 'The sea is', 'no', '世界は', 'who are', 'e']
const template = { prompt: '{{ prompt }}', completion: '{{ completion }}<|endoftext|>' }

/** What the model of a folder writes, without white space around it. */
async function written(folder: string, max_new_tokens: number, given = prompts): Promise<string[]> {
  const generator = await openGenerator(folder)
  try {
    const continuations = await generator.generate(given, { max_new_tokens, batch: 1 })
    return continuations.map(({ text }) => text.trim())
  } finally {
    await generator.release()
  }
}

const rowsOf = (completion: (prompt: string) => string) =>
  prompts.map((prompt) => ({ prompt, completion: completion(prompt) }))

describe('the tokens that an answer is given', () => {
  it('are what nearly all references need, and some where there are none', () => {
    const of = (length: number) => ({ references: [new Array<number>(length).fill(1)] })
    expect(enoughTokens([of(3), of(7), of(5)])).to.equal(8)
    expect(enoughTokens([{ references: [] }])).to.equal(60)
  })
})

describe('training/evaluate_generation', () => {
  it('gives full marks to a model that writes the references', async () => {
    await withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      const texts = await written(join(folder, 'model'), 12)
      const { run, model } = await createTinyRun(
        folder,
        rowsOf((prompt) => ` ${texts[prompts.indexOf(prompt)]}`),
        { template },
      )
      const embedder = await openModelEmbedder(model)
      const heard: number[][] = []
      const result = await evaluateGeneration(run, 'validation', {
        checkpoint: 'base',
        maxNewTokens: 12,
        batch: 4,
        embedder,
        onProgress: (...counts) => heard.push(counts),
      })
      expect(result.samples).to.deep.equal(
        prompts.map((prompt, i) => ({ prompt, generated: texts[i], references: [texts[i]] })),
      )
      expect(result).to.include({ run, checkpoint: 'base', split: 'validation', prompts: 6, references: 6 })
      expect(result.text_metrics).to.include({ rouge1: 1, rougeL: 1 })
      expect(result.text_metrics.bleu).to.be.closeTo(100, 1e-9)
      const { generated, shuffled, difference } = result.embedding_cosine!
      expect(result.embedding_cosine!.embedder).to.equal(model)
      expect(generated).to.be.closeTo(1, 1e-6)
      expect(difference.low).to.be.greaterThan(0)
      expect(difference.mean).to.be.closeTo(generated - shuffled, 1e-9)
      expect(heard).to.deep.equal([
        [4, 6],
        [6, 6],
      ])
      expect(JSON.parse(JSON.stringify(result))).to.deep.equal(result)
      await embedder.release()
    })
  })

  it("judges the checkpoint's texts by all references of their prompts", async () => {
    await withFolder(async (folder) => {
      const rows = [...rowsOf(() => ' a kind of animal'), ...rowsOf((prompt) => ` what ${prompt} is`)]
      const { run, model } = await createTinyRun(folder, rows, { template })
      await writeBestCheckpoint(run)
      const embedder = await openModelEmbedder(run)
      const result = await evaluateGeneration(run, 'validation', { prompts: 5, embedder })
      expect(result).to.include({ checkpoint: 'best', prompts: 5, references: 10 })
      const texts = await written(run, result.max_new_tokens, prompts.slice(0, 5))
      expect(result.samples.map(({ generated }) => generated)).to.deep.equal(texts)
      expect(texts).to.not.deep.equal(await written(model, result.max_new_tokens, prompts.slice(0, 5)))
      const references = prompts.slice(0, 5).map((prompt) => ['a kind of animal', `what ${prompt} is`])
      expect(result.samples.map((sample) => sample.references)).to.deep.equal(references)
      expect(result.text_metrics).to.deep.equal(textMetrics(texts, references))

      const [a, b] = [await embedder.embed(texts), await embedder.embed(references.map(([first]) => first!))]
      const mean = a.reduce((sum, vector, i) => sum + cosine(vector, b[i]!), 0) / 5
      expect(result.embedding_cosine!.generated).to.be.closeTo(mean, 1e-9)
      await embedder.release()

      const alone = await evaluateGeneration(run, 'validation', { prompts: 5, batch: 1 })
      expect(alone).to.deep.equal({ ...result, embedding_cosine: null })
      const base = await evaluateGeneration(run, 'validation', { checkpoint: 'base', prompts: 1 })
      expect(base.samples[0]!.generated).to.equal((await written(model, base.max_new_tokens))[0])
    })
  })

  it('writes as much as the references need, and as the context has room for', async () => {
    await withFolder(async (folder) => {
      // 50 of 64 positions, one of 150 references far longer than the others.
      const long = { prompt: ' a'.repeat(50), completion: ' b b' }
      const short = Array.from({ length: 149 }, (_, i) => ({ prompt: `${i}`, completion: ' b b b' }))
      const longest = { prompt: 'It is', completion: ' b'.repeat(40) }
      // Three prompts are the rows 0, 50 and 100 of these 151.
      const rows = [long, ...short.slice(0, 49), longest, ...short.slice(49)]
      const { run } = await createTinyRun(folder, rows, { template })
      expect(await hasPrompts(run, 'validation')).to.equal(true)
      const byDefault = await evaluateGeneration(run, 'validation', { checkpoint: 'base', prompts: 3 })
      expect(byDefault.max_new_tokens).to.equal(41)
      const all = await evaluateGeneration(run, 'validation', { checkpoint: 'base', prompts: 151 })
      expect(all.max_new_tokens).to.equal(4)

      const much = await evaluateGeneration(run, 'validation', {
        checkpoint: 'base',
        prompts: 3,
        maxNewTokens: 30,
      })
      expect(much.max_new_tokens).to.equal(30)
      const [first, ...others] = [long, longest, rows[100]!].map(({ prompt }) => prompt)
      expect(much.samples.map(({ generated }) => generated)).to.deep.equal([
        ...(await written(join(folder, 'model'), 14, [first!])),
        ...(await written(join(folder, 'model'), 30, others)),
      ])
    })
  })

  it('says what is missing', async () => {
    await withFolder(async (folder) => {
      const { run, model } = await createTinyRun(folder, [{ text: 'no prompt' }])
      const evaluate = (...args: Parameters<typeof evaluateGeneration>) =>
        userError(() => evaluateGeneration(...args))
      expect(await evaluate(model, 'validation')).to.match(/model is no training run/)
      expect(await evaluate(run, 'test')).to.match(/run has no test data/)
      expect(await hasPrompts(run, 'validation')).to.equal(false)
      expect(await evaluate(run, 'validation')).to.match(/run has no prompts in its validation data/)
      expect(await evaluate(run, 'train', { checkpoint: 'last' })).to.match(
        /run has no prompts in its train data/,
      )
    })
  })

  it('says that a classifier writes no text', async () => {
    await withFolder(async (folder) => {
      const rows = ['good', 'bad'].map((label) => ({ text: `a ${label} thing`, label }))
      const { run } = await createTinyRun(folder, rows, { task: 'classification' })
      expect(await hasPrompts(run, 'validation')).to.equal(false)
      expect(await userError(() => evaluateGeneration(run, 'validation'))).to.match(
        /run trains a classifier, which writes no text/,
      )
    })
  })
})
