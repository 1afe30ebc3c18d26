import { expect } from 'chai'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { readRunConfig } from '../../src/runs/run_config.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { largestDifference } from '../graphs/gpt2_fixtures.ts'
import { createTinyRun } from './tiny_run.ts'

const rows = [
  { prompt: 'a dog is', completion: ' an animal' },
  { prompt: 'the sea is', completion: ' water' },
  { prompt: 'a hill is', completion: ' a small mountain' },
  { prompt: 'a lamp', completion: ' gives light' },
]
const short = { target_length: 3, max_new_tokens: 8, norm_steps: 1, eval_prompts: 4 }

type Line = Readonly<Record<string, number>>

async function create(folder: string, neuroplastic: object | null, config: object = {}): Promise<string> {
  const { run } = await createTinyRun(folder, rows, {
    ...{ task: 'neuroplastic', threads: 1, max_steps: 4, eval_steps: 4, learning_rate: 1e-3 },
    ...{ per_device_train_batch_size: 4, ...config },
    ...(neuroplastic ? { neuroplastic: { ...short, ...neuroplastic } } : {}),
  })
  return run
}

async function linesOf(run: string): Promise<{ steps: Line[]; evaluations: Line[] }> {
  const text = await readFile(join(run, 'log.jsonl'), 'utf8')
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  return {
    steps: lines.filter((line) => 'loss' in line),
    evaluations: lines.filter((line) => 'eval_loss' in line),
  }
}

const trained = (run: string) => readTensors(join(run, 'checkpoints', 'last', 'adapter_model.safetensors'))

/** What each of the terms alone is as options. */
const none = { alpha: 0, beta_sem: 0, gamma_div: 0, delta_ref: 0 }

describe('a run of neuro-plastic fine-tuning', () => {
  it('logs values and gradient norms of all terms, and evaluates what it writes', () =>
    withFolder(async (folder) => {
      const run = await create(folder, {})
      await continueRun(run)
      const { steps, evaluations } = await linesOf(run)
      expect(steps).to.have.length(4)
      for (const [i, step] of steps.entries()) {
        for (const term of ['length', 'semantic', 'entropy', 'reference'])
          expect(step, `step ${i + 1}`).to.include.keys(`terms/${term}`, `terms/${term}_grad_norm`)
        expect(step['terms/lambda']).to.be.closeTo(0.2 * (1 - i / 4), 1e-12)
        expect(step['terms/semantic_grad_norm']).to.be.greaterThan(0)
        expect(step['terms/entropy_grad_norm']).to.be.greaterThan(0)
        expect(step['terms/length']).to.be.greaterThan(0)
        expect(step['tokens/responses_len_mean']).to.be.within(1, 8)
        expect(step['loss']).to.be.closeTo(
          step['terms/cross_entropy']! + step['terms/lambda']! * step['terms/total']!,
          1e-9,
        )
      }
      // What random weights write shares no word with any reference.
      expect(Math.max(...steps.map((step) => step['terms/length_grad_norm']!))).to.be.greaterThan(0)
      for (const evaluation of evaluations) {
        expect(evaluation['eval_length']).to.be.within(1, 8)
        expect(evaluation['eval_cosine']).to.be.within(-1, 1)
        expect(evaluation['eval_entropy']).to.be.within(0, Math.log(512))
        expect(evaluation['eval_bleu']).to.be.within(0, 1)
        expect(evaluation['eval_meteor']).to.be.within(0, 1)
      }
      const last = evaluations.at(-1)!
      const found = await evaluateRun(run, 'validation', 'last')
      expect(found.task).to.equal('neuroplastic')
      for (const [name, value] of Object.entries(found).filter(([, value]) => typeof value === 'number'))
        if (`eval_${name}` in last) expect(value, name).to.be.closeTo(last[`eval_${name}`]!, 1e-4)
      expect(found).to.include.keys('length', 'cosine', 'entropy', 'bleu', 'meteor', 'perplexity')
    }))

  it('learns as sft does where λ is 0, and writes nothing', () =>
    withFolder(async (folder) => {
      const run = await create(join(folder, 'a'), { lambda_reward: 0 })
      const sft = await create(join(folder, 'b'), null, { task: 'sft' })
      await continueRun(run)
      await continueRun(sft)
      const [with0, without] = [await trained(run), await trained(sft)]
      for (const [name, { data }] of without)
        expect(largestDifference(with0.get(name)!.data, data), name).to.be.at.most(1e-5)
      const { steps } = await linesOf(run)
      for (const step of steps) {
        expect(step).to.not.have.property('terms/length')
        expect(step['loss']).to.equal(step['terms/cross_entropy'])
        for (const term of ['length', 'semantic', 'entropy', 'reference'])
          expect(step[`terms/${term}_grad_norm`], term).to.equal(0)
      }
    }))

  it('with surrogate none logs terms of what is written, and learns nothing from them', () =>
    withFolder(async (folder) => {
      const run = await create(join(folder, 'a'), { surrogate: 'none' })
      const without = await create(join(folder, 'b'), { alpha: 0, delta_ref: 0 })
      await continueRun(run)
      await continueRun(without)
      const [silent, other] = [await trained(run), await trained(without)]
      for (const [name, { data }] of other)
        expect(Buffer.from(silent.get(name)!.data.buffer)).to.deep.equal(Buffer.from(data.buffer), name)
      const { steps } = await linesOf(run)
      for (const step of steps) {
        expect(step['terms/length']).to.be.greaterThan(0)
        expect(step['terms/length_grad_norm']).to.equal(0)
        expect(step['terms/reference_grad_norm']).to.equal(0)
      }
    }))

  it('draws several responses to each prompt, and means the same however a step is cut', () =>
    withFolder(async (folder) => {
      const several = { num_generations: 3, delta_ref: 0 }
      const whole = await create(join(folder, 'a'), several)
      const cut = await create(join(folder, 'b'), several, {
        ...{ per_device_train_batch_size: 1, gradient_accumulation_steps: 4 },
      })
      await continueRun(whole)
      await continueRun(cut)
      const [one, other] = [await linesOf(whole), await linesOf(cut)]
      for (const [i, step] of one.steps.entries())
        for (const name of ['terms/length', 'terms/length_grad_norm', 'tokens/responses_len_mean'])
          expect(other.steps[i]![name], `${name} of step ${i + 1}`).to.be.closeTo(step[name]!, 1e-3)
      expect(one.steps[0]!['terms/length_grad_norm']).to.be.greaterThan(0)
    }))

  it("has a term of the user's own, of one function", () =>
    withFolder(async (folder) => {
      const path = join(folder, 'my_term.ts')
      await writeFile(
        path,
        "export default (samples: { response: string }[]) => samples.map(({ response }) => response.split('e').length / 4)\n",
      )
      const own = { ...none, reward: { function: path }, reward_weight: 20, lambda_reward: 1 }
      const run = await create(folder, own, {
        ...{ lora: 'full', max_steps: 40, eval_steps: 40, learning_rate: 3e-3 },
      })
      const { neuroplastic } = await readRunConfig(run)
      expect((neuroplastic!.reward as { sha256?: string }).sha256).to.match(/^[0-9a-f]{64}$/)
      const notes: string[] = []
      await continueRun(run, { note: (sentence) => void notes.push(sentence) })
      expect(notes.join('\n')).to.include(`runs the reward function ${path} of this run (SHA-256 `)
      const { steps, evaluations } = await linesOf(run)
      expect(steps[0]).to.include.keys('terms/reward', 'terms/reward_grad_norm')
      expect(steps[0]).to.not.have.property('terms/length')
      const [before, after] = [evaluations[0]!, evaluations.at(-1)!]
      expect(after['eval_reward']).to.be.greaterThan(before['eval_reward']!)
      await writeFile(path, 'export default () => []\n')
      expect(await userError(() => continueRun(run, undefined, { changes: { max_steps: 41 } }))).to.include(
        'is another file than it was',
      )
    }))

  it('gives −R as the reward of a plastic update', () =>
    withFolder(async (folder) => {
      const run = await create(folder, {}, { plastic: { third_factor: 'reward' } })
      await continueRun(run)
      for (const step of (await linesOf(run)).steps)
        expect(step['plastic/reward']).to.be.closeTo(-step['terms/total']!, 1e-12)
    }))

  it('measures gradients at the first step and every norm_steps', () =>
    withFolder(async (folder) => {
      const run = await create(folder, { norm_steps: 3 })
      await continueRun(run)
      const { steps } = await linesOf(run)
      expect(steps.map((step) => 'terms/length_grad_norm' in step)).to.deep.equal([true, false, true, false])
    }))

  for (const [mistake, neuroplastic, config, message] of [
    ['packing', {}, { packing: true }, /packing is not for task neuroplastic, where/],
    ['plastic blocks', {}, { lora: undefined, npt: { rank: 2, layers: 'all' } }, /neuroplastic/],
    ['nothing to train', {}, { lora: 'none' }, /train lora or full/],
    ['texts without prompts', {}, { template: { text: '{{ prompt }}{{ completion }}' } }, /no prompts/],
    ['no room for responses', { max_new_tokens: 64 }, {}, /lower neuroplastic\.max_new_tokens/],
    ['a function that is missing', { reward: { function: 'none.ts' } }, {}, /none\.ts is missing/],
  ] as const)
    it(`refuses ${mistake} in a sentence`, () =>
      withFolder(async (folder) => {
        expect(await userError(() => create(folder, neuroplastic, config))).to.match(message)
      }))
})
