import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { UserError } from '../../src/errors.ts'
import { readTensors, writeSafetensors } from '../../src/formats/safetensors.ts'
import { openScorer } from '../../src/models/open_scorer.ts'
import type { RolloutRecord } from '../../src/tasks/ppo/log.ts'
import type { Listener } from '../../src/learning/listeners.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { readRunConfig } from '../../src/runs/run_config.ts'
import { poke } from '../formats/poke.ts'
import { reseal } from '../formats/reseal.ts'
import { rejection } from '../rejection.ts'
import { tinyConfig } from '../tiny_model.ts'
import { createTinyRun } from './tiny_run.ts'

const command = resolve(import.meta.dirname, '../../src/cli/ortune.mjs')

const words = ['dog', 'cat', 'tree', 'sea', 'hill', 'bird', 'house', 'car', 'pen', 'lamp']
const rows = words.map((word) => ({ prompt: `Word: ${word} ;` }))

type LogLine = Readonly<Record<string, number>>

describe('a run of PPO', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ortune-ppo-'))
    await writeFile(
      join(folder, 'letters.ts'),
      "export default (samples) => samples.map(({ response }) => response.split('e').length / 4)",
    )
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const create = (name: string, { ppo, ...config }: { ppo?: object; [key: string]: unknown }, data = rows) =>
    createTinyRun(join(folder, name), data, {
      task: 'ppo',
      threads: 1,
      max_steps: 5,
      eval_steps: 2,
      save_steps: 2,
      learning_rate: 5e-3,
      ...config,
      ppo: {
        reward: { function: join(folder, 'letters.ts') },
        ...{ batch_size: 6, mini_batch_size: 3, max_new_tokens: 6, score_clip: null },
        ...ppo,
      },
    }).then(({ run }) => run)

  const linesOf = async (run: string, file = 'log.jsonl'): Promise<LogLine[]> =>
    (await readFile(join(run, file), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as LogLine)
  const readRollouts = (run: string) =>
    linesOf(run, 'rollouts.jsonl') as Promise<unknown> as Promise<readonly RolloutRecord[]>
  const updatesOf = async (run: string) => (await linesOf(run)).filter((line) => 'loss' in line)

  /** All that must not differ by a byte between equal runs; adapter_config.json has the path of the run's own model. */
  async function bytesOf(run: string): Promise<Record<string, string>> {
    const found = await readdir(join(run, 'checkpoints'), { recursive: true, withFileTypes: true })
    const paths = found
      .filter((file) => file.isFile() && file.name !== 'adapter_config.json')
      .map(({ parentPath, name }) => join(parentPath, name))
    const all = [join(run, 'log.jsonl'), join(run, 'rollouts.jsonl'), ...paths]
    const contents = all.map(
      async (path) => [path.slice(run.length), await readFile(path, 'base64')] as const,
    )
    return Object.fromEntries(await Promise.all(contents))
  }

  /** Ends the process's work on a run after an update, before anything of it is saved. */
  const stopAfter = (step: number): Listener => ({
    step: (record) => {
      if (record.step === step) throw new Error('stopped')
    },
  })

  it('is judged by so many validation prompts, evenly spread', async () => {
    await writeFile(
      join(folder, 'place.ts'),
      `const words = ${JSON.stringify(words)}
export default (samples) => samples.map(({ prompt }) => words.findIndex((word) => prompt.includes(word)))`,
    )
    const reward = { function: join(folder, 'place.ts') }
    const run = await create('few prompts', { max_steps: 1, ppo: { eval_prompts: 2, reward } })
    await continueRun(run)
    const evaluations = (await linesOf(run)).filter((line) => 'eval_reward' in line)
    // Of ten prompts the first and the sixth.
    expect(evaluations.map((line) => line['eval_reward'])).to.deep.equal([2.5, 2.5])
  })

  it('raises the reward by more than a standard deviation of where it started', async () => {
    const run = await create('learning', {
      lora: 'full',
      ...{ max_steps: 16, learning_rate: 3e-3, eval_steps: 16, lr_scheduler_type: 'constant' },
      ppo: { batch_size: 20, mini_batch_size: 10, init_kl_coef: 0.01, temperature: 1, top_p: 1 },
    })
    await continueRun(run)
    const evaluations = (await linesOf(run)).filter((line) => 'eval_reward' in line)
    const [before, after] = [evaluations[0]!, evaluations.at(-1)!]
    expect(before).to.include({ step: 0, best: false, eval_kl: 0 })
    expect(after['eval_reward']).to.be.greaterThan(before['eval_reward']! + before['eval_reward_std']!)
    expect(after['eval_kl'], 'at a price').to.be.greaterThan(0.1)
    const updates = await updatesOf(run)
    const mean = (lines: readonly LogLine[]) =>
      lines.reduce((sum, line) => sum + line['env/reward_mean']!, 0) / lines.length
    expect(mean(updates.slice(-4))).to.be.greaterThan(
      mean(updates.slice(0, 4)) + updates[0]!['env/reward_std']!,
    )
  })

  const kinds = {
    'LoRA, accumulating over epochs': { gradient_accumulation_steps: 3, ppo: { ppo_epochs: 2 } },
    'full fine-tuning with every option': {
      lora: 'full',
      weight_decay: 0.1,
      warmup_steps: 2,
      ppo: {
        ...{ ppo_epochs: 3, whiten_rewards: true, kl_penalty: 'abs', entropy_coef: 0.01, top_k: 40 },
        ...{ missing_eos_penalty: 0.5, score_clip: 1, target_kl: 0.01, target: 1, horizon: 50 },
      },
    },
  }
  for (const [kind, config] of Object.entries(kinds)) {
    it(`starts each update with ratios of 1 and logs finite quantities: ${kind}`, async () => {
      const run = await create(kind, config)
      await continueRun(run)
      const updates = await updatesOf(run)
      expect(updates.map(({ step }) => step)).to.deep.equal([1, 2, 3, 4, 5])
      for (const update of updates) {
        expect(update['ppo/policy/ratio']).to.be.closeTo(1, 1e-5)
        for (const [name, value] of Object.entries(update))
          expect(Number.isFinite(value), `${name} of step ${update['step']}`).to.equal(true)
      }
      expect(updates.at(-1)!['objective/kl'], 'the policy has moved').not.to.be.closeTo(0, 1e-4)
      expect(updates[0]!['objective/kl'], 'and started from the reference').to.be.closeTo(0, 1e-5)
      const times = await linesOf(run, 'times.jsonl')
      expect(times.length).to.equal(5)
      for (const time of times) {
        const parts = ['generate', 'score', 'forward_pass', 'optimize_step'].map(
          (part) => time[`time/ppo/${part}`]!,
        )
        expect(parts.reduce((sum, part) => sum + part)).to.be.at.most(time['time/ppo/total']!)
        expect(time['time/ppo/session_share']).to.be.within(0, 1)
      }
    })

    it(`goes on from its last checkpoint as if nothing had happened: ${kind}`, async () => {
      const run = await create(`${kind}, stopped`, config)
      for (const step of [1, 3, 4]) {
        const error = await rejection(continueRun(run, stopAfter(step)))
        expect(error.message).to.equal('stopped')
      }
      await continueRun(run)
      expect(await bytesOf(run)).to.deep.equal(await bytesOf(join(folder, kind, 'run')))
    })
  }

  it('leaves responses that it is told to stop in, keeps what was learned before, and goes on alike', async () => {
    const whole = await create('undisturbed', {})
    await continueRun(whole)
    const run = await create('left', {})
    for (const [at, kept] of [
      [1, 0],
      [2, 1],
      [4, 3],
    ] as const) {
      const stop = new AbortController()
      const told: number[] = []
      const listener: Listener = {
        responding({ step, done, of }) {
          expect(done).to.be.within(1, of)
          if (step === at && done === 9) stop.abort()
        },
        stop: ({ step }) => told.push(step),
      }
      const { global_step } = await continueRun(run, listener, { signal: stop.signal })
      expect(global_step).to.equal(kept)
      expect(told).to.deep.equal([kept])
      expect(existsSync(join(run, 'checkpoints', 'last'))).to.equal(kept > 0)
      if (kept > 0) expect(await updatesOf(run)).to.have.length(kept)
    }
    await continueRun(run)
    expect(await bytesOf(run)).to.deep.equal(await bytesOf(whole))
  })

  it('goes on alike after SIGKILL', async () => {
    const kind = 'LoRA, accumulating over epochs'
    const run = await create('killed', kinds[kind])
    const resume = () => spawn(process.execPath, [command, 'resume', run], { stdio: 'ignore' })
    const lines = () => {
      const path = join(run, 'log.jsonl')
      return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0
    }
    // The log begins with the evaluation before training; the fifth line is that of the third update.
    const child = resume()
    const closed = once(child, 'close')
    while (child.exitCode === null && lines() < 5) await wait(2)
    expect(child.kill('SIGKILL')).to.equal(true)
    await closed
    await continueRun(run)
    expect(await bytesOf(run)).to.deep.equal(await bytesOf(join(folder, kind, 'run')))
  })

  it('keeps where its reward is, whatever the working directory is later', async () => {
    const reward = { function: relative(process.cwd(), join(folder, 'letters.ts')) }
    const run = await create('relative', { ppo: { reward } })
    const { ppo } = await readRunConfig(run)
    expect(ppo!.reward).to.include({ function: join(folder, 'letters.ts') })
  })

  it('does the same with mini-batches that are accumulated as with one large one', async () => {
    const one = { max_steps: 1, learning_rate: 1e-3, ppo: { ppo_epochs: 1, mini_batch_size: 6 } }
    const cut = { ...one, gradient_accumulation_steps: 3, ppo: { ppo_epochs: 1, mini_batch_size: 2 } }
    const runs = [await create('one mini-batch', one), await create('three mini-batches', cut)]
    for (const run of runs) await continueRun(run)
    const [[whole], [parts]] = [await updatesOf(runs[0]!), await updatesOf(runs[1]!)]
    expect(parts!['grad_norm']).to.be.closeTo(whole!['grad_norm']!, 1e-5)
    expect(whole!['grad_norm']).to.be.greaterThan(1e-2)
  })

  it('stops the epochs of an update once the policy has moved too far', async () => {
    const epochs = async (name: string, ppo: object) => {
      const run = await create(name, { max_steps: 3, learning_rate: 5e-2, ppo: { ppo_epochs: 6, ...ppo } })
      await continueRun(run)
      return (await updatesOf(run)).map((update) => update['ppo/epochs'])
    }
    expect(await epochs('without early stopping', { early_stopping: false })).to.deep.equal([6, 6, 6])
    for (const count of await epochs('with early stopping', { target_kl: 1e-3 })) expect(count).to.be.below(6)
  })

  it('takes the scores of a reward model, and shows what it scored', async () => {
    const pairs = words.map((word) => ({
      prompt: `Word: ${word} ;`,
      chosen: ' a thing',
      rejected: ' no idea',
    }))
    const { run: model } = await createTinyRun(join(folder, 'reward'), pairs, {
      ...{ task: 'reward', max_steps: 2, eval_steps: 2, learning_rate: 1e-2 },
    })
    await continueRun(model)
    const run = await create('scored by a model', { max_steps: 1, ppo: { reward: { model } } }, pairs)
    await continueRun(run)
    const rollouts = await readRollouts(run)
    expect(rollouts.length).to.equal(4)
    const scorer = await openScorer(model)
    const scores = await scorer.score(rollouts)
    await scorer.release()
    for (const [i, { score }] of rollouts.entries()) expect(score).to.be.closeTo(scores[i]!, 1e-5)
  })

  it('scores and learns from a response that ends at once: its end of text', async () => {
    const run = await create('empty', { ppo: { batch_size: 10 }, max_steps: 2 })
    // Half of the prompts now make the end of text overwhelmingly likely, the others impossible.
    const path = join(run, 'model.safetensors')
    const tensors = await readTensors(path)
    const { data } = tensors.get('transformer.wte.weight')!
    for (let i = (tinyConfig.vocab_size - 1) * tinyConfig.n_embd; i < data.length; i++) data[i]! *= 30
    await writeSafetensors(path, tensors)
    await reseal(run)
    await continueRun(run)
    const rollouts = (await linesOf(run, 'rollouts.jsonl')) as unknown as {
      response: string
      tokens: number
    }[]
    const empty = rollouts.filter(({ response }) => response === '<|endoftext|>')
    expect(empty).not.to.be.empty
    for (const { tokens } of empty) expect(tokens).to.equal(1)
    for (const update of await updatesOf(run)) {
      expect(update['tokens/responses_ended']).to.be.greaterThan(0)
      expect(update['grad_norm']).to.be.greaterThan(0)
    }
  })

  it('refuses prompts that leave no room for a response, or leaves them out; none is cut', async () => {
    const long = { prompt: 'one two three four five six seven eight '.repeat(3) }
    const options = { max_steps: 1, ppo: { max_new_tokens: 40 } }
    const error = await rejection(create('overlong', options, [...rows, long]))
    expect(existsSync(join(folder, 'overlong', 'run')), 'a run that cannot be').to.equal(false)
    expect(error).to.be.instanceOf(UserError)
    expect(error.message).to.match(/^the prompt "one two .* do not fit the model's context of 64; shorten it/)
    const skipping = await create('skipping', { ...options, overlong: 'skip' }, [...rows, long])
    await continueRun(skipping)
    const prompts = (await readRollouts(skipping)).map(({ prompt }) => prompt)
    expect(prompts).not.to.be.empty.and.not.to.include(long.prompt)
    const all = create('all overlong', { ...options, overlong: 'skip' }, [long])
    expect((await rejection(all)).message).to.match(/no prompt does, so shorten them/)
  })

  it('makes no run for a reward that fails on the answers of the data', async () => {
    const broken = join(folder, 'broken.ts')
    await writeFile(broken, 'export default (samples) => samples.map(() => NaN)')
    const error = await rejection(create('broken', { ppo: { reward: { function: broken } } }))
    expect(error).to.be.instanceOf(UserError)
    expect(error.message).to.match(
      /broken\.ts gave NaN for the response "<\|endoftext\|>" to the prompt "Word: /,
    )
    const answered = rows.map((row, i) => (i === 4 ? row : { ...row, completion: ' it' }))
    const metric = await rejection(create('compared', { ppo: { reward: { metric: 'rouge1' } } }, answered))
    expect(metric.message).to.match(/rouge1 has nothing to compare .* to the prompt "Word: hill ;" with/)
    for (const name of ['broken', 'compared'])
      expect(existsSync(join(folder, name, 'run')), name).to.equal(false)
  })

  it('stops with the sentence of a reward that fails, and with the step and tensor that are not finite', async () => {
    const broken = join(folder, 'breaks.ts')
    const nan = 'samples.map(({ response }) => (response === "<|endoftext|>" ? 0 : NaN))'
    await writeFile(broken, `export default (samples) => ${nan}`)
    const error = await rejection(
      continueRun(await create('breaks', { ppo: { reward: { function: broken } } })),
    )
    expect(error).to.be.instanceOf(UserError)
    expect(error.message).to.match(/breaks\.ts gave NaN for the response .* to the prompt "Word: /)

    const run = await create('not finite', {})
    await poke(join(run, 'model.safetensors'), 'transformer.ln_f.weight', 0, NaN)
    await reseal(run)
    const unsound = await rejection(continueRun(run))
    expect(unsound).to.be.instanceOf(UserError)
    expect(unsound.message).to.match(
      /^at step 0, the decoder of .* computes logits that are not finite \(NaN\)/,
    )
  })
})
