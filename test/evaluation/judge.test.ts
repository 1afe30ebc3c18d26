import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { findModel } from '../../src/models/find_model.ts'
import { parseGpt2Config } from '../../src/formats/families/gpt2.ts'
import { writeModelFolder } from '../../src/formats/model_folder.ts'
import { writePeftAdapter } from '../../src/formats/peft.ts'
import { openModelDecoder } from '../../src/models/open_token_generator.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { openScorer } from '../../src/models/open_scorer.ts'
import { bootstrapInterval } from '../../src/metrics/bootstrap.ts'
import { distinctN } from '../../src/metrics/distinct.ts'
import { rouge } from '../../src/metrics/rouge.ts'
import { textMetrics } from '../../src/metrics/text_metrics.ts'
import { winRate } from '../../src/metrics/win_rate.ts'
import { gpt2TokenizerFiles } from '../../src/formats/gpt2_tokenizer.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { seededWeights } from '../../src/runs/initialise.ts'
import type { JudgeOptions, Judgement } from '../../src/evaluation/judge.ts'
import { judge } from '../../src/evaluation/judge.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { tinyAdapter, tinyConfig, writeTinyModel } from '../tiny_model.ts'
import { resealCheckpoint } from '../formats/reseal.ts'
import { createTinyRun, writeBestCheckpoint } from '../training/tiny_run.ts'

const prompts = ['Word: lamp ;', 'The sea is', 'no', '世界は', 'who are', 'e']
const template = { prompt: '{{ prompt }}', completion: '{{ completion }}<|endoftext|>' }
const rows = prompts.map((prompt) => ({ prompt, completion: ` what ${prompt} is` }))
const preferences = prompts.map((prompt) => ({
  prompt,
  chosen: ` what ${prompt} is`,
  rejected: ` no idea${prompt}`,
}))

const NEW_TOKENS = 8

/** A reward that likes e's and a text that the model ended. */
const likesE = `export default async (samples) => samples.map(({ response }) =>
  response.split('e').length - 1 + (response.endsWith('<|endoftext|>') ? 10 : 0))\n`
/** The end of text counts as well, with two e's. */
const scoreOf = ({ text, ended }: { text: string; ended: boolean }): number =>
  text.split('e').length - 1 + (ended ? 10 + 2 : 0)

/** A run whose best checkpoint is the tiny adapter, and a reward function beside it. */
async function trainedRun(
  folder: string,
): Promise<{ run: string; model: string; reward: { function: string } }> {
  const made = await createTinyRun(folder, rows, { template })
  await writeBestCheckpoint(made.run)
  const path = join(folder, 'reward.mjs')
  await writeFile(path, likesE)
  return { ...made, reward: { function: path } }
}

const judgeTiny = (options: Omit<JudgeOptions, 'split'>): Promise<Judgement> =>
  judge({ split: 'validation', maxNewTokens: NEW_TOKENS, ...options })

/** log π of each response after its prompt, token by token through the decoding graph, which is another one. */
async function logProbabilities(
  run: string,
  checkpoint: 'best' | 'base',
  texts: Awaited<ReturnType<typeof written>>,
): Promise<number[]> {
  const opened = await openModelDecoder(await findModel(run, { checkpoint }))
  const results: number[] = []
  for (const { prompt, response } of texts) {
    let [logits] = await opened.decoder.prefill([prompt])
    let sum = 0
    for (const token of response) {
      const all = [...logits!]
      sum += all[token]! - Math.log(all.reduce((total, logit) => total + Math.exp(logit), 0))
      ;[logits] = await opened.decoder.step([token])
    }
    results.push(sum)
  }
  await opened.release()
  return results
}

/** log π − log π_before of what the best checkpoint writes. */
async function handRatios(run: string): Promise<number[]> {
  const texts = await written(run, 'best')
  const own = await logProbabilities(run, 'best', texts)
  const before = await logProbabilities(run, 'base', texts)
  return own.map((value, i) => value - before[i]!)
}

/** What a checkpoint writes, by the generator for texts; the response is its tokens with the end of text. */
async function written(run: string, checkpoint: 'best' | 'base') {
  const generator = await openGenerator(run, { checkpoint })
  const found = await generator.generate(prompts, { max_new_tokens: NEW_TOKENS, batch: 1 })
  const { eosId } = generator.tokenizer
  const result = found.map(({ prompt, text, tokens, finished }) => ({
    text: text.trim(),
    tokens: tokens.length,
    ended: finished,
    prompt: generator.tokenizer.encode(prompt),
    response: finished ? [...tokens, eosId] : tokens,
  }))
  await generator.release()
  return result
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length

describe('training/judge', () => {
  it("judges a run against the model before training by a user's function", async () => {
    await withFolder(async (folder) => {
      const { run, reward } = await trainedRun(folder)
      const heard: string[] = []
      const judgement = await judgeTiny({ run, reward, onProgress: (doing) => heard.push(doing) })
      expect(judgement).to.include({
        run,
        checkpoint: 'best',
        split: 'validation',
        prompts: 6,
        references: 6,
      })
      expect(judgement).to.include({ max_new_tokens: NEW_TOKENS, seed: 0 })
      expect(judgement.reward).to.match(/reward\.mjs/)
      expect(judgement.policies.map(({ name }) => name)).to.deep.equal([`${run} (best)`, `${run} (base)`])
      expect(new Set(heard.map((text) => text.replace(/^.*: /, '')))).to.include('answering')

      const rewards: number[][] = []
      for (const [side, checkpoint] of [
        [0, 'best'],
        [1, 'base'],
      ] as const) {
        const answers = judgement.samples.map((sample) => sample.answers[side])
        const expected = await written(run, checkpoint)
        expect(answers.map(({ text, tokens, ended }) => ({ text, tokens, ended }))).to.deep.equal(
          expected.map(({ text, tokens, ended }) => ({ text, tokens, ended })),
        )
        const scores = expected.map(scoreOf)
        rewards.push(scores)
        expect(answers.map((answer) => answer.reward)).to.deep.equal(scores)

        const policy = judgement.policies[side]
        const { standard_deviation, ...interval } = policy.reward
        expect(interval).to.deep.equal(bootstrapInterval(scores))
        const squares = scores.map((score) => (score - mean(scores)) ** 2)
        expect(standard_deviation).to.be.closeTo(Math.sqrt((mean(squares) * 6) / 5), 1e-12)
        expect(policy.tokens).to.be.closeTo(mean(expected.map(({ tokens }) => tokens)), 1e-12)
        expect(policy.ended).to.equal(expected.filter(({ ended }) => ended).length / 6)
        const texts = expected.map(({ text }) => text)
        const { bleu, rouge1, rouge2, rougeL } = textMetrics(
          texts,
          prompts.map((prompt) => [`what ${prompt} is`]),
        )
        expect(policy.text_metrics).to.deep.equal({ bleu, rouge1, rouge2, rougeL })
        expect([policy.distinct1, policy.distinct2]).to.deep.equal([distinctN(texts, 1), distinctN(texts, 2)])
      }
      // The two do differ, and so do answers that end and that are cut off.
      expect(rewards[0]).to.not.deep.equal(rewards[1])
      expect(judgement.win_rate).to.deep.equal(winRate(rewards[0]!, rewards[1]!))
      expect(
        new Set(judgement.samples.flatMap(({ answers }) => answers.map(({ ended }) => ended))).size,
      ).to.equal(2)
      expect(judgement.samples.map(({ prompt, references }) => ({ prompt, references }))).to.deep.equal(
        prompts.map((prompt) => ({ prompt, references: [`what ${prompt} is`] })),
      )

      expect(await judgeTiny({ run, reward })).to.deep.equal(judgement)
      const oneByOne = await judgeTiny({ run, reward, batch: 1 })
      expect(oneByOne.win_rate).to.deep.equal(judgement.win_rate)
      expect(oneByOne.policies[0].kl).to.be.closeTo(judgement.policies[0].kl!, 1e-4)
      const few = await judgeTiny({ run, reward, prompts: 2 })
      expect(few.samples).to.have.length(2)
      expect(few.samples[1]!.prompt).to.equal(prompts[3])
      expect(JSON.parse(JSON.stringify(judgement))).to.deep.equal(judgement)
    })
  })

  it('measures the divergence from the model before training: adapters', async () => {
    await withFolder(async (folder) => {
      const { run, reward } = await trainedRun(folder)
      const judgement = await judgeTiny({ run, reward })
      const ratios = await handRatios(run)
      for (const [i, { answers }] of judgement.samples.entries())
        expect(answers[0].kl).to.be.closeTo(ratios[i]!, 1e-4)
      expect(judgement.policies[0].kl).to.be.closeTo(mean(ratios), 1e-4)
      expect(Math.max(...ratios.map(Math.abs))).to.be.greaterThan(1)
      expect(judgement.policies[1].kl).to.equal(0)
      expect(judgement.samples.map(({ answers }) => answers[1].kl)).to.deep.equal(prompts.map(() => 0))
    })
  })

  it('measures the divergence from the model before training: every parameter', async () => {
    await withFolder(async (folder) => {
      const { run, model } = await createTinyRun(folder, rows, { template, lora: 'full' })
      const best = join(run, 'checkpoints', 'best')
      await mkdir(join(run, 'checkpoints'))
      await writeTinyModel(best, 2)
      await resealCheckpoint(best)
      const judgement = await judgeTiny({ run, other: model, reward: { metric: 'rouge1' } })
      const ratios = await handRatios(run)
      for (const [i, { answers }] of judgement.samples.entries())
        expect(answers[0].kl).to.be.closeTo(ratios[i]!, 1e-4)
      // Nothing tells what a model of its own was trained from; it writes what the run's base does.
      expect(judgement.policies[1]).to.include({ name: model, checkpoint: null, kl: null })
      const base = await judgeTiny({ run, reward: { metric: 'rouge1' } })
      const texts = ({ samples }: Judgement) => samples.map(({ answers }) => answers[1].text)
      expect(texts(judgement)).to.deep.equal(texts(base))
      expect(judgement.win_rate).to.deep.equal(base.win_rate)
    })
  })

  it('of an adapter that has learned nothing: no divergence at all, and all answers the same', async () => {
    await withFolder(async (folder) => {
      const { run, reward } = await trainedRun(folder)
      const fresh = tinyAdapter()
      for (const [name, { data }] of fresh.tensors) if (name.includes('lora_B')) data.fill(0)
      const best = join(run, 'checkpoints', 'best')
      await writePeftAdapter(best, fresh)
      await resealCheckpoint(best)
      const { policies, win_rate } = await judgeTiny({ run, reward })
      expect(policies[0].kl).to.equal(0)
      expect(win_rate).to.include({ wins: 0, losses: 0, ties: 6, rate: 0.5 })
    })
  })

  it('draws at random by the seed, whatever the batches', async () => {
    await withFolder(async (folder) => {
      const { run, reward } = await trainedRun(folder)
      const sampling = { do_sample: true, temperature: 1.2, top_p: 0.9 }
      const texts = ({ samples }: Judgement) =>
        samples.flatMap(({ answers }) => answers.map(({ text }) => text))
      const drawn = await judgeTiny({ run, reward, sampling, seed: 3, batch: 4 })
      expect(drawn.sampling).to.deep.equal({ ...sampling, top_k: 0, repetition_penalty: 1 })
      expect(await judgeTiny({ run, reward, sampling, seed: 3, batch: 4 })).to.deep.equal(drawn)
      expect(texts(await judgeTiny({ run, reward, sampling, seed: 3, batch: 1 }))).to.deep.equal(texts(drawn))
      expect(texts(await judgeTiny({ run, reward, sampling, seed: 4 }))).to.not.deep.equal(texts(drawn))
      expect(texts(await judgeTiny({ run, reward }))).to.not.deep.equal(texts(drawn))
    })
  })

  it('compares with the preferred answers of pairs alone, by a metric', async () => {
    await withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, preferences, { task: 'dpo' })
      await writeBestCheckpoint(run)
      const judgement = await judgeTiny({ run, reward: { metric: 'rougeL' }, maxNewTokens: undefined })
      expect(judgement.reward).to.equal('the metric rougeL')
      const tokenizer = await loadTokenizer(run)
      const longest = Math.max(...prompts.map((prompt) => tokenizer.encode(` what ${prompt} is`).length))
      expect(judgement.max_new_tokens).to.equal(longest + 1)
      for (const [i, { prompt, references, answers }] of judgement.samples.entries()) {
        expect(prompt).to.equal(prompts[i])
        expect(references).to.deep.equal([`what ${prompt} is`])
        for (const { text, reward } of answers)
          expect(reward).to.equal(rouge(text, references[0]!).rougeL.fmeasure)
      }
    })
  })

  it('compares texts where tokenizers differ', async () => {
    await withFolder(async (folder) => {
      const { run, reward } = await trainedRun(folder)
      const config = parseGpt2Config(
        { ...tinyConfig, vocab_size: 300, bos_token_id: 299, eos_token_id: 299 },
        'other',
      )
      const other = join(folder, 'other')
      const tokenizerFiles = await gpt2TokenizerFiles(300 - 257)
      await writeModelFolder(other, { config, tensors: seededWeights(config, 3), tokenizerFiles })
      const { samples } = await judgeTiny({ run, other, reward })
      const generator = await openGenerator(other)
      const expected = await generator.generate(prompts, { max_new_tokens: NEW_TOKENS })
      await generator.release()
      expect(samples.map(({ answers }) => answers[1].text)).to.deep.equal(
        expected.map(({ text }) => text.trim()),
      )

      const small = parseGpt2Config({ ...tinyConfig, n_positions: 4 }, 'small')
      const tensors = seededWeights(small, 3)
      const files = await gpt2TokenizerFiles(small.vocab_size - 257)
      await writeModelFolder(join(folder, 'small'), { config: small, tensors, tokenizerFiles: files })
      const tooLong = await userError(() => judgeTiny({ run, other: join(folder, 'small'), reward }))
      expect(tooLong).to.match(
        /small reads 4 tokens, and the prompt "Word: lamp.* leaves no room for an answer/,
      )
    })
  })

  it('does without preferred answers where a reward needs none', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'reward.mjs')
      await writeFile(path, likesE)
      const ppo = { reward: { function: path }, max_new_tokens: 5 }
      const given = prompts.map((prompt) => ({ prompt }))
      const { run } = await createTinyRun(folder, given, {
        task: 'ppo',
        ppo,
        template: { prompt: '{{ prompt }}' },
      })
      await writeBestCheckpoint(run)
      const judgement = await judge({ run, split: 'validation', reward: ppo.reward })
      expect(judgement).to.include({ prompts: 6, references: 0, max_new_tokens: 5 })
      expect(judgement.policies.map(({ text_metrics }) => text_metrics)).to.deep.equal([null, null])
      expect(judgement.policies[0].reward.mean).to.equal(
        mean(judgement.samples.map(({ answers }) => answers[0].reward)),
      )
      expect(await userError(() => judge({ run, split: 'validation', reward: { metric: 'bleu' } }))).to.match(
        /the metric bleu has nothing to compare/,
      )
    })
  })

  it('takes the scores of a reward model', async () => {
    await withFolder(async (folder) => {
      const scored = join(folder, 'scored')
      const training = { task: 'reward', max_steps: 2, eval_steps: 2, learning_rate: 1e-2 }
      const { run: model } = await createTinyRun(scored, preferences, training)
      await continueRun(model)
      const { run } = await createTinyRun(folder, preferences, { task: 'dpo' })
      await writeBestCheckpoint(run)
      const { reward, samples } = await judgeTiny({ run, reward: { model } })
      expect(reward).to.equal(`the reward model ${model}`)
      const scorer = await openScorer(model)
      for (const [side, checkpoint] of [
        [0, 'best'],
        [1, 'base'],
      ] as const) {
        const generator = await openGenerator(run, { checkpoint })
        const answers = await generator.generate(prompts, { max_new_tokens: NEW_TOKENS })
        await generator.release()
        const scores = await scorer.score(
          answers.map(({ prompt, text, finished }) => ({
            prompt,
            response: text + (finished ? '<|endoftext|>' : ''),
          })),
        )
        for (const [i, sample] of samples.entries())
          expect(sample.answers[side].reward).to.be.closeTo(scores[i]!, 1e-5)
      }
      await scorer.release()
    })
  })

  it('says what is wrong', async () => {
    await withFolder(async (folder) => {
      const { run, model, reward } = await trainedRun(folder)
      const fails = (options: Partial<JudgeOptions>) =>
        userError(() => judge({ run, split: 'validation', reward, ...options }))
      expect(await fails({ run: model })).to.match(/model is no training run/)
      expect(await fails({ split: 'test' })).to.match(/run has no test data/)
      expect(await fails({ checkpoint: 'last' })).to.match(/run has no last checkpoint yet/)
      expect(await fails({ other: join(folder, 'nowhere') })).to.match(/nowhere does not exist/)
      expect(await fails({ other: folder })).to.match(/has neither config\.json/)
      for (const other of [run, join(run, 'checkpoints', 'best')])
        expect(await fails({ other })).to.match(/run \(best\) would be judged against itself/)
      expect(await fails({ checkpoint: 'base' })).to.match(/run \(base\) would be judged against itself/)
      expect(await fails({ reward: { function: join(folder, 'none.ts') } })).to.match(/none\.ts is missing/)
      await writeFile(join(folder, 'nan.mjs'), 'export default (samples) => samples.map(() => NaN)')
      expect(await fails({ reward: { function: join(folder, 'nan.mjs') } })).to.match(
        /gave NaN for the response/,
      )

      const labels = ['good', 'bad'].map((label) => ({ text: `a ${label} thing`, label }))
      const classifier = await createTinyRun(join(folder, 'c'), labels, { task: 'classification' })
      await writeBestCheckpoint(classifier.run)
      expect(await fails({ run: classifier.run })).to.match(/trains a classifier, which writes no answers/)
      expect(await fails({ other: classifier.run })).to.match(/is a classifier and writes no answers/)
      const scorer = await createTinyRun(join(folder, 'r'), preferences, { task: 'reward' })
      await writeBestCheckpoint(scorer.run)
      expect(await fails({ run: scorer.run })).to.match(/trains a reward model, which writes no answers/)
      expect(await fails({ other: scorer.run })).to.match(/is a reward model and writes no answers/)
      const texts = await createTinyRun(join(folder, 't'), [{ text: 'no prompt' }])
      expect(await fails({ run: texts.run })).to.match(/has no prompts in its validation data to answer/)
      const plastic = { task: 'equivalence', npt: { rank: 2 }, lora: undefined }
      const blocks = await createTinyRun(join(folder, 'e'), [{ text: 'no prompt' }], plastic)
      expect(await fails({ run: blocks.run })).to.match(/is of task equivalence, whose data has no prompts/)
    })
  })
})
