import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { openSplit } from '../../src/runs/split.ts'
import { findModel } from '../../src/models/find_model.ts'
import { readModelConfig } from '../../src/formats/model_config.ts'
import { readPeftAdapter, writePeftAdapter } from '../../src/formats/peft.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { exportClassifier } from '../../src/exports/export_classifier.ts'
import { openClassifier } from '../../src/models/open_classifier.ts'
import { openScorer } from '../../src/models/open_scorer.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { trainedFeeds } from '../../src/models/trained_feeds.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { collateClasses } from '../../src/tasks/classification.ts'
import { createRun } from '../../src/runs/create.ts'
import { evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { tryData } from '../../src/runs/try_data.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { resealCheckpoint } from '../formats/reseal.ts'
import { bertFixture, SEPARATOR } from '../graphs/bert_fixtures.ts'
import { largestDifference, numbersOf } from '../graphs/gpt2_fixtures.ts'

const rows = [
  ...['the sun is warm', 'light and sun', 'a good day'].map((text) => ({ text, label: 'joy' })),
  ...['no day, rain', 'cold and dark rain in the night', 'not very good'].map((text) => ({
    text,
    label: 'sadness',
  })),
  ...['who was it?', 'when?'].map((text) => ({ text, label: 'anger' })),
]
const CLASSES = ['anger', 'joy', 'sadness']
const model = bertFixture('model')

async function configuration(folder: string, changes: object, data: readonly object[] = rows) {
  const path = join(folder, 'rows.jsonl')
  await writeFile(path, data.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const sources = ['train', 'validation'].map((all) => ({ path, split: { all } }))
  const config = { task: 'classification', model, output_dir: join(folder, 'run'), data: sources }
  const learning = { max_steps: 6, eval_steps: 3, learning_rate: 2e-2 }
  return runConfigSchema.parse({ ...config, ...learning, ...changes })
}

async function trainedRun(folder: string, changes: object): Promise<string> {
  const config = await configuration(folder, changes)
  await createRun(config)
  await continueRun(config.output_dir)
  return config.output_dir
}

/** The evaluation artifact's class probabilities with the tensors of the best checkpoint, of the rows in their order. */
async function evaluated(run: string): Promise<number[]> {
  const found = await findModel(run)
  const config = await readModelConfig(run)
  const { feeds } =
    found.base === run
      ? await trainedFeeds(found, config)
      : { feeds: tensorFeeds(await readTensors(join(found.base, 'model.safetensors'))) }
  const data = await openSplit(run, 'validation')
  const sequences = Array.from({ length: data.size }, (_, row) => [data.row(row)])
  data.close()
  const session = await openNodeSession(join(run, 'eval_model.onnx'))
  const tokens = { config, pooling: 'last', separator: SEPARATOR } as const
  const outputs = await session.run({ ...collateClasses(sequences, tokens, 1), ...feeds })
  await session.release()
  const logits = numbersOf(outputs)['logits']!
  return sequences.flatMap((_, b) => {
    const exponentials = logits.slice(3 * b, 3 * b + 3).map(Math.exp)
    const sum = exponentials.reduce((total, value) => total + value, 0)
    return exponentials.map((value) => value / sum)
  })
}

async function classified(folder: string): Promise<number[]> {
  const classifier = await openClassifier(folder, { batch: 3 })
  expect(classifier.classes).to.deep.equal(CLASSES)
  const got = await classifier.classify(rows.map(({ text }) => text))
  await classifier.release()
  return got.flatMap((row) => [...row])
}

describe('a run of a BERT classifier', function () {
  this.slow(4000)
  for (const [title, lora] of [
    ['adapters', { r: 4, lora_alpha: 8 }],
    ['every parameter', 'full'],
    ['the head alone', 'none'],
  ] as const)
    it(`learns, opens and is exported with what it has trained: ${title}`, async () => {
      await withFolder(async (folder) => {
        const run = await trainedRun(folder, { lora, max_steps: 12, eval_steps: 4 })
        const log = (await readFile(join(run, 'log.jsonl'), 'utf8')).trim().split('\n')
        const losses = log
          .map((line) => JSON.parse(line) as Record<string, number>)
          .flatMap(({ step, eval_loss }) => (eval_loss === undefined || step === 0 ? [] : [eval_loss]))
        expect(losses.length).to.equal(3)
        expect(losses.at(-1)).to.be.below(losses[0]!)

        const expected = await evaluated(run)
        for (const place of [run, join(run, 'checkpoints', 'best')])
          expect(largestDifference(await classified(place), expected), place).to.be.below(1e-5)
        const result = await evaluateRun(run, 'validation')
        if (result.task !== 'classification') throw new Error(result.task)
        const nll = rows.map(({ label }, i) => -Math.log(expected[3 * i + CLASSES.indexOf(label)]!))
        expect(result.loss).to.be.closeTo(nll.reduce((sum, value) => sum + value, 0) / rows.length, 1e-5)

        const out = join(folder, 'merged')
        await exportClassifier(await findModel(run), out)
        expect(largestDifference(await classified(out), expected)).to.be.below(1e-5)
        await expectBrowserFolder(join(out, 'transformers.js'), expected, run)
      })
    })

  /** The graph alone, fed as transformers.js feeds it. */
  async function expectBrowserFolder(
    folder: string,
    expected: readonly number[],
    run: string,
  ): Promise<void> {
    const read = async (name: string) =>
      JSON.parse(await readFile(join(folder, name), 'utf8')) as Record<string, unknown>
    expect(await read('config.json')).to.include({ model_type: 'bert' })
    expect(await read('tokenizer_config.json')).to.include({
      pad_token: '[PAD]',
      tokenizer_class: 'BertTokenizer',
      model_max_length: 40,
    })
    const session = await openNodeSession(join(folder, 'onnx', 'model.onnx'))
    expect(session.inputNames).to.deep.equal(['input_ids', 'attention_mask', 'token_type_ids'])
    const data = await openSplit(run, 'validation')
    const sequences = Array.from({ length: data.size }, (_, row) => [data.row(row)])
    data.close()
    const config = await readModelConfig(folder)
    const tokens = { config, pooling: 'last', separator: SEPARATOR } as const
    const { input_ids, attention_mask, token_type_ids } = collateClasses(sequences, tokens, 1)
    const { logits } = await session.run({
      input_ids: input_ids!,
      attention_mask: attention_mask!,
      token_type_ids: token_type_ids!,
    })
    await session.release()
    const values = numbersOf({ logits: logits! })['logits']!
    rows.forEach((_, b) => {
      const [one, other] = [values.slice(3 * b, 3 * b + 3), expected.slice(3 * b, 3 * b + 3)]
      expect(one.indexOf(Math.max(...one))).to.equal(other.indexOf(Math.max(...other)))
    })
  }

  it('puts its adapters on query and value unless told otherwise', async () => {
    await withFolder(async (folder) => {
      const run = await trainedRun(folder, { max_steps: 1 })
      const adapter = await readPeftAdapter(join(run, 'checkpoints', 'last'))
      expect(adapter.target_modules).to.deep.equal(['query', 'value'])
      expect(adapter.r).to.equal(8)
      expect([...adapter.head!.keys()]).to.deep.equal(['classifier.weight', 'classifier.bias'])
    })
  })

  it('goes on from a checkpoint as if it had never stopped', async () => {
    await withFolder(async (folder) => {
      const run = await trainedRun(folder, { save_steps: 3 })
      const interrupted = join(folder, 'interrupted')
      const config = await configuration(folder, { output_dir: interrupted, save_steps: 3 })
      await createRun(config)
      const stop = new Error('stopped')
      const seen = await continueRun(interrupted, {
        step: ({ step }) => {
          if (step === 5) throw stop
        },
      }).catch((error: unknown) => error)
      expect(seen).to.equal(stop)
      await continueRun(interrupted)
      for (const name of ['adapter_model.safetensors', 'optimizer.safetensors'])
        expect(await readFile(join(interrupted, 'checkpoints', 'last', name)), name).to.deep.equal(
          await readFile(join(run, 'checkpoints', 'last', name)),
        )
    })
  })

  it("takes PEFT's own adapter in the place of its own", async () => {
    await withFolder(async (folder) => {
      const targets = ['dense', 'query', 'value']
      const run = await trainedRun(folder, {
        lora: { r: 4, lora_alpha: 8, target_modules: targets },
        max_steps: 1,
      })
      const before = await classified(run)
      const best = join(run, 'checkpoints', 'best')
      for (const name of ['adapter_model.safetensors', 'adapter_config.json'])
        await cp(bertFixture('adapter', name), join(best, name))
      await resealCheckpoint(best)
      const after = await classified(run)
      expect(largestDifference(before, after)).to.be.above(0.01)
      // Written again, it is the same to the model.
      const copy = join(folder, 'copy')
      await writePeftAdapter(copy, await readPeftAdapter(bertFixture('adapter')))
      await cp(join(copy, 'adapter_model.safetensors'), join(best, 'adapter_model.safetensors'))
      await resealCheckpoint(best)
      expect(await classified(run)).to.deep.equal(after)
    })
  })

  it('begins from a bare config.json with weights from the seed', async () => {
    await withFolder(async (folder) => {
      const bare = join(folder, 'bare')
      await cp(model, bare, { recursive: true })
      await rm(join(bare, 'model.safetensors'))
      const run = await trainedRun(folder, { model: join(bare, 'config.json'), lora: 'full', max_steps: 1 })
      const config = await readModelConfig(run)
      if (config.model_type !== 'bert') throw new Error('no BERT')
      const weights = await readTensors(join(run, 'model.safetensors'))
      expect([...weights.get('bert.embeddings.LayerNorm.weight')!.data]).to.deep.equal(Array(16).fill(1))
      expect([...weights.get('bert.pooler.dense.bias')!.data]).to.deep.equal(Array(16).fill(0))
      const { data } = weights.get('bert.embeddings.word_embeddings.weight')!
      const deviation = Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length)
      expect(deviation / config.initializer_range).to.be.closeTo(1, 0.1)
      expect((await classified(run)).length).to.equal(3 * rows.length)
    })
  })

  it('learns pairs of texts, each a part of its own', async () => {
    await withFolder(async (folder) => {
      const pairs = rows.map(({ text, label }) => ({ sentence1: text, sentence2: 'it was a cat', label }))
      const config = await configuration(folder, { max_steps: 1 }, pairs)
      const { examples } = await tryData(config)
      expect(examples[0]!.pieces.map(({ text }) => text).join('')).to.match(/CLS.*SEP.*cat.*SEP/)
      await createRun(config)
      const data = await openSplit(config.output_dir, 'train')
      for (let row = 0; row < data.size; row++) {
        const ids = [...data.row(row).input_ids]
        expect(ids.filter((id) => id === SEPARATOR).length).to.equal(2)
        expect(ids.at(-1)).to.equal(SEPARATOR)
      }
      data.close()
    })
  })

  for (const [title, lora] of [
    ['adapters', { r: 4, lora_alpha: 8 }],
    ['every parameter', 'full'],
  ] as const)
    it(`learns to score answers, as a run and exported: ${title}`, async () => {
      await withFolder(async (folder) => {
        const pairs = rows.map(({ text }, i) => ({
          prompt: 'what is it?',
          chosen: text,
          rejected: ['a cat', 'the dark night', 'rain'][i % 3],
        }))
        const config = await configuration(folder, { task: 'reward', lora, max_steps: 20 }, pairs)
        await createRun(config)
        await continueRun(config.output_dir)
        const result = await evaluateRun(config.output_dir, 'validation')
        if (result.task !== 'reward') throw new Error(result.task)
        expect(result.loss).to.be.lessThan(Math.log(2) - 0.1)

        const exported = join(folder, 'exported')
        await exportClassifier(await findModel(config.output_dir), exported)
        for (const place of [config.output_dir, exported]) {
          const scorer = await openScorer(place)
          const samples = pairs.flatMap(({ prompt, chosen, rejected }) =>
            [chosen, rejected].map((response) => ({ prompt, response: `${response}<|endoftext|>` })),
          )
          const scores = await scorer.score(samples)
          await scorer.release()
          expect(largestDifference(scores, result.scores.flat())).to.be.at.most(1e-5)
        }
      })
    })

  it('is refused what a BERT does not do, before anything is written', async () => {
    await withFolder(async (folder) => {
      const npt = { rank: 2, modulation_scale: 1, init_scale: 1, layers: 'all', attention_residual: true }
      const texts = [{ prompt: 'a', completion: ' b' }]
      const cases: [object, RegExp][] = [
        [
          { task: 'sft' },
          /model is a BERT, which reads texts and writes none; name a language model for task sft/,
        ],
        [{ task: 'dpo' }, /name a language model for task dpo/],
        [{ task: 'ppo', ppo: { reward: { metric: 'rouge1' } } }, /name a language model for task ppo/],
        [{ pooling: 'mean' }, /model is a BERT, which has a pooled output of its own; leave pooling out$/],
        [{ npt }, /has no plastic blocks; leave npt out$/],
        [{ max_length: 41 }, /max_length 41 exceeds the model's context of 40/],
        [
          { lora: { target_modules: ['c_attn'] } },
          /LoRA target "c_attn" matches no module; there are self\.query, self\.key, self\.value, output\.dense/,
        ],
      ]
      for (const [changes, message] of cases) {
        const config = await configuration(folder, changes, 'task' in changes ? texts : rows)
        expect(await userError(() => createRun(config)), JSON.stringify(changes)).to.match(message)
      }
      expect(await readdir(folder)).to.not.include('run')
      const config = await configuration(folder, { task: 'sft' }, texts)
      expect(await userError(() => tryData(config))).to.match(/which reads texts and writes none/)
      // Without its head it is no classifier either.
      const encoder = join(folder, 'encoder')
      await cp(model, encoder, { recursive: true })
      const described = JSON.parse(await readFile(join(model, 'config.json'), 'utf8')) as object
      const headless = { ...described, architectures: ['BertModel'] }
      await writeFile(join(encoder, 'config.json'), JSON.stringify(headless))
      expect(await userError(() => openGenerator(encoder))).to.match(/describes a BERT, which reads texts/)
    })
  })
})
