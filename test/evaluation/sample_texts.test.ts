import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { neuroplasticEvaluationGraph } from '../../graphs/tasks/neuroplastic.ts'
import { evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import type { SampleRequest } from '../../src/evaluation/sample_prompts.ts'
import { samplePrompts } from '../../src/evaluation/sample_prompts.ts'
import type { SampleText } from '../../src/evaluation/sample_texts.ts'
import { sampleTexts } from '../../src/evaluation/sample_texts.ts'
import { UserError } from '../../src/errors.ts'
import { loadTokenizer } from '../../src/formats/load_tokenizer.ts'
import { sentenceBleu } from '../../src/metrics/bleu.ts'
import { meteor } from '../../src/metrics/meteor.ts'
import { findModel } from '../../src/models/find_model.ts'
import { openFoundModel, withModel } from '../../src/models/open_found_model.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { createRun } from '../../src/runs/create.ts'
import { readConfig } from '../../src/runs/read_config.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import type { Feeds, HostTensor } from '../../src/runtime/session.ts'
import { withFolder } from '../data/helpers.ts'
import { rejection } from '../rejection.ts'
import { writeTinyModel } from '../tiny_model.ts'
import { createTinyRun, writeBestCheckpoint } from '../training/tiny_run.ts'

const template = { prompt: '{{ prompt }}', completion: '{{ completion }}<|endoftext|>' }
const rows = [
  { prompt: 'a dog is', completion: ' an animal' },
  { prompt: 'the sea is', completion: ' water' },
  { prompt: 'a hill is', completion: ' a small mountain' },
  { prompt: 'a hill is', completion: ' a rise of land' },
  { prompt: 'a lamp', completion: ' gives light' },
]

const texts = async (run: string, request: SampleRequest) =>
  (await sampleTexts(run, await samplePrompts(run, 'validation', request), { checkpoint: 'base' })).texts

/** The sentence with which something is refused. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await rejection(promise)
  expect(error).to.be.instanceOf(UserError)
  return error.message
}

/** Cosine and mean entropy of a text, in a batch of its own, with masks written out. */
async function alone(run: string, text: SampleText): Promise<{ cosine: number; entropy: number }> {
  const tokenizer = await loadTokenizer(run)
  const generator = await openGenerator(run)
  const [written] = await generator.generate([text.prompt], { max_new_tokens: text.length })
  await generator.release()
  const prompt = tokenizer.encode(text.prompt)
  const response = text.finished ? [...written!.tokens, tokenizer.eosId] : written!.tokens
  expect(response).to.have.length(text.length)
  const ids = [...prompt, ...response]
  const int64 = (numbers: readonly number[], dims = [1, numbers.length]): HostTensor => ({
    ...{ dtype: 'int64', dims, data: BigInt64Array.from(numbers, BigInt) },
  })
  const feeds: Feeds = {
    input_ids: int64(ids),
    attention_mask: int64(ids.map(() => 1)),
    position_ids: int64(ids.map((_, t) => t)),
    label_positions: int64(
      response.map((_, t) => prompt.length - 1 + t),
      [response.length],
    ),
    labels: int64(response, [response.length]),
    prompt_mask: int64(ids.map((_, t) => (t < prompt.length ? 1 : 0))),
    response_mask: int64(ids.map((_, t) => (t < prompt.length ? 0 : 1))),
  }
  const opened = await openFoundModel(await findModel(run), neuroplasticEvaluationGraph, nodeRuntime())
  return withModel(opened, async (session, parameters) => {
    const { cosines, entropies } = await session.run({ ...feeds, ...parameters })
    const each = Array.from(entropies!.data as Float32Array)
    const entropy = each.reduce((sum, value) => sum + value, 0) / each.length
    return { cosine: (cosines!.data as Float32Array)[0]!, entropy }
  })
}

describe('sample texts', function () {
  this.timeout(60_000)

  it('have the figures of each text by itself, and the means of all', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, rows, { template })
      await writeBestCheckpoint(run)
      const chosen = await samplePrompts(run, 'validation', { rows: 9, prompts: ['not in the data'] })
      const { texts: all, means, max_new_tokens } = await sampleTexts(run, chosen)
      expect(all.map(({ prompt, split }) => [prompt, split])).to.deep.equal([
        ['a dog is', 'validation'],
        ['the sea is', 'validation'],
        ['a hill is', 'validation'],
        ['a lamp', 'validation'],
        ['not in the data', null],
      ])
      expect(all[2]!.references).to.deep.equal(['a small mountain', 'a rise of land'])
      for (const text of all) {
        expect(text.length).to.be.within(1, max_new_tokens)
        const { cosine, entropy } = await alone(run, text)
        expect(text.cosine).to.be.closeTo(cosine, 1e-5)
        expect(text.entropy).to.be.closeTo(entropy, 1e-5)
        const { generated, references } = text
        expect(text.bleu).to.equal(
          references.length === 0 ? null : sentenceBleu(generated, references).score / 100,
        )
        expect(text.meteor).to.equal(references.length === 0 ? null : meteor(generated, references))
      }
      const mean = (name: 'length' | 'cosine' | 'entropy' | 'bleu' | 'meteor') => {
        const values = all.flatMap((text) => text[name] ?? [])
        return values.reduce((sum, value) => sum + value, 0) / values.length
      }
      for (const name of ['length', 'cosine', 'entropy', 'bleu', 'meteor'] as const)
        expect(means[name], name).to.be.closeTo(mean(name), 1e-12)
    }))

  it('give full marks to a model that writes the references', () =>
    withFolder(async (folder) => {
      await writeTinyModel(join(folder, 'model'))
      const generator = await openGenerator(join(folder, 'model'))
      const given = rows.map(({ prompt }) => prompt)
      const written = await generator.generate(given, { max_new_tokens: 9 })
      await generator.release()
      const own = written.map(({ prompt, text }) => ({ prompt, completion: text }))
      const { run } = await createTinyRun(folder, own, {
        template: { ...template, completion: '{{ completion }}' },
      })
      const [first] = await texts(run, { rows: 1 })
      expect(first!.generated.startsWith(first!.references[0]!)).to.equal(true)
      expect(first!.bleu).to.be.greaterThan(0.5)
    }))

  it('have the means that the task neuroplastic evaluates', () =>
    withFolder(async (folder) => {
      const neuroplastic = { max_new_tokens: 8, eval_prompts: 4 }
      const { run } = await createTinyRun(folder, rows, { template, task: 'neuroplastic', neuroplastic })
      await writeBestCheckpoint(run)
      const found = await evaluateRun(run, 'validation')
      if (found.task !== 'neuroplastic') throw new Error(found.task)
      const chosen = await samplePrompts(run, 'validation', { rows: 4 })
      expect(chosen.maxNewTokens).to.equal(8)
      const { means, texts: all } = await sampleTexts(run, chosen)
      for (const name of ['length', 'cosine', 'bleu', 'meteor'] as const)
        expect(means[name], name).to.be.closeTo(found[name]!, 1e-6)
      // The task's is the mean over all tokens.
      const tokens = all.reduce((sum, { length }) => sum + length, 0)
      const entropy = all.reduce((sum, text) => sum + text.entropy * text.length, 0) / tokens
      expect(entropy).to.be.closeTo(found.entropy, 1e-5)
    }))
})

describe('prompts of sample texts', function () {
  this.timeout(60_000)

  /** A run with words of two columns, of which the second may be empty. */
  async function words(folder: string, prompt: string, more: object = {}): Promise<string> {
    const [model, train, validation] = ['model', 'train.jsonl', 'validation.jsonl'].map((name) =>
      join(folder, name),
    ) as [string, string, string]
    await writeTinyModel(model)
    const write = (path: string, some: readonly (readonly [string, string | null, string])[]) =>
      writeFile(path, some.map(([word, kind, text]) => `${JSON.stringify({ word, kind, text })}\n`).join(''))
    await write(train, [
      ['elk', 'noun', 'a large deer'],
      ['bee', 'noun', 'an insect'],
    ])
    await write(validation, [
      ['bee', 'verb', 'to go about'],
      ['c++ (x)', 'noun', 'a language'],
      ['bee', null, 'a meeting'],
      ['beetle', 'noun', 'a beetle'],
      ['bee', 'verb', 'to hum'],
    ])
    const output_dir = join(folder, 'run')
    await createRun(
      readConfig({
        ...{ model, output_dir, lora: { r: 2 }, template: { prompt, completion: ' {{ text }}' } },
        data: [
          { path: train, split: { all: 'train' } },
          { path: validation, split: { all: 'validation' } },
        ],
        ...more,
      }),
    )
    return output_dir
  }

  const shown = async (run: string, request: SampleRequest) =>
    (await samplePrompts(run, 'validation', request)).prompts.map(({ text, split, references }) => [
      ...[text.trim(), split, references.map((one) => one.trim())],
    ])

  it('of a concept are those of the data that have it, whatever their other columns', () =>
    withFolder(async (folder) => {
      const run = await words(folder, '{{ word }}{% if kind %} ({{ kind }}){% endif %}:')
      expect(await shown(run, { concepts: ['bee', 'c++ (x)', 'elk'] })).to.deep.equal([
        ['bee (verb):', 'validation', ['to go about', 'to hum']],
        ['bee:', 'validation', ['a meeting']],
        ['c++ (x) (noun):', 'validation', ['a language']],
        ['elk (noun):', 'train', ['a large deer']],
      ])
      expect(await shown(run, { concepts: ['ox'] })).to.deep.equal([['ox:', null, []]])
      const { prompts } = await samplePrompts(run, 'validation', { rows: 1, concepts: ['elk'] })
      expect(prompts.map(({ concept }) => concept)).to.deep.equal([null, 'elk'])
    }))

  it('of a concept that no row has want the other columns, where the template reads more', () =>
    withFolder(async (folder) => {
      const run = await words(folder, '{{ word }} ({{ kind or "?" }}) {{ kind.length }}:', {
        odd_rows: 'skip',
      })
      const said = await refusal(samplePrompts(run, 'validation', { concepts: ['ox'] }))
      expect(said).to.equal(
        `no row of ${run} has "ox" for its word, and the run's template reads kind too; give all by --prompt '{"word":"ox","kind":"…"}'`,
      )
    }))

  it('that are given have the references of equal ones', () =>
    withFolder(async (folder) => {
      const run = await words(folder, '{{ word }}{% if kind %} ({{ kind }}){% endif %}:')
      expect(await shown(run, { prompts: ['bee (verb):', ['elk (noun):'], 'elk'] })).to.deep.equal([
        ['bee (verb):', 'validation', ['to go about', 'to hum']],
        ['elk (noun):', 'train', ['a large deer']],
        ['elk', null, []],
      ])
      expect(await refusal(samplePrompts(run, 'validation', { prompts: [''] }))).to.match(/is empty/)
      expect(await refusal(samplePrompts(run, 'validation', { prompts: ['a '.repeat(99)] }))).to.match(
        /leaves no room for an answer in the model's context of 64/,
      )
    }))

  it('of a conversation are found by what the user says', () =>
    withFolder(async (folder) => {
      const said = (user: string, reply: string) => ({
        messages: [
          { role: 'user', content: user },
          { role: 'assistant', content: reply },
        ],
      })
      const chat = {
        user: 'You: {{ content }}\n',
        assistant: 'Me: {{ content }}<|endoftext|>',
      }
      const { run } = await createTinyRun(folder, [said('hi', 'hello'), said('bye', 'see you')], {
        template: chat,
      })
      expect(await shown(run, { concepts: ['bye', 'why'] })).to.deep.equal([
        ['You: bye', 'validation', ['Me: see you']],
        ['You: why\nMe:', null, []],
      ])
      expect(await shown(run, { prompts: [['You: hi\n', 'Me:']] })).to.deep.equal([
        ['You: hi', 'validation', ['Me: hello']],
      ])
    }))

  it('are none of plain texts, but those given are continued; and none of a classifier', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(join(folder, 'a'), [{ text: 'a fox' }], {
        template: { text: '{{ text }}' },
      })
      expect(await refusal(samplePrompts(run, 'validation', { rows: 2 }))).to.match(
        /has no prompts in its validation data to draw samples from/,
      )
      expect(await shown(run, { concepts: ['a fox'] })).to.deep.equal([['a fox', null, []]])
      const labelled = [
        { text: 'a fox', label: 'x' },
        { text: 'a hen', label: 'y' },
      ]
      const { run: other } = await createTinyRun(join(folder, 'b'), labelled, { task: 'classification' })
      expect(await refusal(samplePrompts(other, 'validation', { concepts: ['a'] }))).to.match(
        /trains a classifier, which writes no texts; leave --samples, --concepts and --prompt out/,
      )
    }))
})
