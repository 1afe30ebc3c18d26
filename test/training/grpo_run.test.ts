import { expect } from 'chai'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { readTensors } from '../../src/formats/safetensors.ts'
import type { Listener } from '../../src/learning/listeners.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { readRunConfig } from '../../src/runs/run_config.ts'
import { largestDifference } from '../graphs/gpt2_fixtures.ts'
import { rejection } from '../rejection.ts'
import { createTinyRun } from './tiny_run.ts'

const rows = ['dog', 'cat', 'tree', 'sea'].map((word) => ({ prompt: `Word: ${word} ;`, completion: ' it' }))

type LogLine = Readonly<Record<string, number>>

describe('a run of GRPO', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ortune-grpo-'))
    await writeFile(
      join(folder, 'letters.ts'),
      "export default (samples) => samples.map(({ response }) => response.split('e').length / 4)",
    )
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const create = async (name: string, options: object, config: object = {}) => {
    const { task = 'grpo' } = config as { task?: string }
    const { run } = await createTinyRun(join(folder, name), rows, {
      ...{ task, threads: 1, max_steps: 3, eval_steps: 3, save_steps: 1, learning_rate: 5e-3 },
      ...{ per_device_train_batch_size: 4 },
      ...config,
      [task]: {
        reward_funcs: [{ function: join(folder, 'letters.ts') }],
        ...{ num_generations: 4, max_completion_length: 6, ...options },
      },
    })
    return run
  }
  const linesOf = async (run: string, file = 'log.jsonl'): Promise<LogLine[]> =>
    (await readFile(join(run, file), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as LogLine)
  const updatesOf = async (run: string) => (await linesOf(run)).filter((line) => 'loss' in line)
  const trained = (run: string) => readTensors(join(run, 'checkpoints', 'last', 'adapter_model.safetensors'))

  /** All that must not differ by a byte between equal runs; adapter_config.json has the path of the run's own model. */
  async function bytesOf(run: string): Promise<Record<string, string>> {
    const last = join(run, 'checkpoints', 'last')
    const names = (await readdir(last)).filter((name) => name !== 'adapter_config.json')
    const paths = [
      join(run, 'log.jsonl'),
      join(run, 'rollouts.jsonl'),
      ...names.map((name) => join(last, name)),
    ]
    const contents = paths.map(
      async (path) => [path.slice(run.length), await readFile(path, 'base64')] as const,
    )
    return Object.fromEntries(await Promise.all(contents))
  }

  it('raises the reward by more than a standard deviation of where it started', async () => {
    const learning = { lora: 'full', max_steps: 12, learning_rate: 3e-3, lr_scheduler_type: 'constant' }
    const whole = { eval_steps: 12, save_steps: 12, per_device_train_batch_size: 32 }
    const run = await create('learning', { num_generations: 8 }, { ...learning, ...whole })
    await continueRun(run)
    const updates = await updatesOf(run)
    const mean = (lines: readonly LogLine[]) =>
      lines.reduce((sum, line) => sum + line['reward']!, 0) / lines.length
    expect(mean(updates.slice(-3))).to.be.above(mean(updates.slice(0, 3)) + updates[0]!['reward_std']!)
  })

  const offPolicy = { gradient_accumulation_steps: 1, per_device_train_batch_size: 2 }
  const kinds: Readonly<Record<string, readonly [object, object]>> = {
    'tokens, several steps and passes, a reference': [
      { num_iterations: 2, steps_per_generation: 4, beta: 0.1, loss_type: 'grpo', top_k: 40 },
      offPolicy,
    ],
    'sequences, whole, with a reference of its own': [
      { importance_sampling_level: 'sequence', beta: 0.1, epsilon: 0.01, mask_truncated_completions: true },
      { lora: 'full' },
    ],
    'RLOO, several steps, a reference': [
      { steps_per_generation: 2, beta: 0.1, normalize_advantages: true, min_p: 0.01 },
      { task: 'rloo' },
    ],
  }
  for (const [kind, [options, config]] of Object.entries(kinds))
    it(`that is stopped within a rollout goes on to the same bytes: ${kind}`, async () => {
      const whole = await create(`${kind} whole`, options, config)
      await continueRun(whole)
      const updates = await updatesOf(whole)
      for (const update of updates)
        for (const [name, value] of Object.entries(update))
          expect(Number.isFinite(value), `${name} of step ${update['step']}`).to.equal(true)
      expect(updates[0]!['kl'], 'it starts from the reference').to.be.closeTo(0, 1e-2)

      const cut = await create(`${kind} cut`, options, config)
      const stop = new AbortController()
      const listener: Listener = {
        responding: ({ step, done }) => {
          if (step === 2 && done > 3) stop.abort()
        },
      }
      await continueRun(cut, listener, { signal: stop.signal })
      expect((await updatesOf(cut)).map(({ step }) => step)).to.deep.equal([1])
      await continueRun(cut)
      expect(await bytesOf(cut)).to.deep.equal(await bytesOf(whole))
    })

  it('learns the same however it is cut into batches', async () => {
    const [whole, cut] = [
      await create('whole', { loss_type: 'grpo' }, { per_device_train_batch_size: 8 }),
      await create(
        'cut',
        { loss_type: 'grpo' },
        { per_device_train_batch_size: 2, gradient_accumulation_steps: 4 },
      ),
    ]
    await continueRun(whole)
    await continueRun(cut)
    for (const name of ['loss', 'grad_norm', 'reward'])
      for (const [i, update] of (await updatesOf(cut)).entries())
        expect(update[name], name).to.be.closeTo((await updatesOf(whole))[i]![name]!, 1e-4)
    const expected = await trained(whole)
    for (const [name, { data }] of await trained(cut))
      expect(largestDifference(data, expected.get(name)!.data), name).to.be.at.most(1e-3)
  })

  it('scores by the weighted sum of its rewards, tells each, and keeps digests of files', async () => {
    const run = await create(
      'rewards',
      {
        reward_funcs: [{ function: join(folder, 'letters.ts') }, { pattern: 'e' }, { metric: 'exact_match' }],
        reward_weights: [2, -1, 3],
      },
      { max_steps: 1 },
    )
    await continueRun(run)
    const lines = await linesOf(run)
    const [first, update] = ['eval_reward', 'reward'].map((name) => lines.find((line) => name in line))
    const sum = (line: LogLine, prefix: string) =>
      2 * line[`${prefix}rewards/letters/mean`]! -
      line[`${prefix}rewards/pattern/mean`]! +
      3 * line[`${prefix}rewards/exact_match/mean`]!
    expect(first!['eval_reward']).to.be.closeTo(sum(first!, 'eval_'), 1e-9).and.not.to.equal(0)
    expect(update!['reward']).to.be.closeTo(sum(update!, ''), 1e-9)
    const { grpo } = await readRunConfig(run)
    expect((grpo!.reward_funcs[0] as { sha256?: string }).sha256).to.match(/^[0-9a-f]{64}$/)
  })

  for (const [mistake, options, config, message] of [
    [
      'groups',
      {},
      { per_device_train_batch_size: 6 },
      /6 completions, which make no whole groups of 4; change/,
    ],
    [
      'steps',
      { steps_per_generation: 3 },
      { gradient_accumulation_steps: 2 },
      /grpo.steps_per_generation 3 is no multiple of gradient_accumulation_steps 2; a step/,
    ],
    [
      'weights',
      { reward_weights: [1, 2] },
      {},
      /reward_weights[^]*as many numbers as there are reward_funcs/,
    ],
    ['a pattern', { reward_funcs: [{ pattern: '(' }] }, {}, /must be a regular expression of JavaScript/],
    [
      'length',
      { max_completion_length: 60 },
      {},
      /with max_completion_length 60 .* lower grpo.max_completion_length/,
    ],
    ['nothing to train', {}, { lora: 'none' }, /leaves the policy of task grpo as it is/],
  ] as const)
    it(`refuses a mistake in ${mistake}`, async () => {
      const error = await rejection(create(`mistake ${mistake}`, options, config))
      expect(error.message).to.match(message)
    })
})
