import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { readManifest } from '../../src/formats/manifest.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import type { StepRecord } from '../../src/learning/listeners.ts'
import { trainingCurves } from '../../src/report/training_curves.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { readRecords } from '../../src/runs/log.ts'
import { checkRunConfig } from '../../src/runs/read_config.ts'
import { sft } from '../../src/tasks/sft.ts'
import { collect, withFolder } from '../data/helpers.ts'
import { createTinyRun } from '../training/tiny_run.ts'

const rows = ['fox', 'hen', 'owl', 'elk', 'bee', 'ant'].map((word) => ({ text: `a ${word} is an animal` }))

const create = async (folder: string, config: object = {}): Promise<string> =>
  (
    await createTinyRun(folder, rows, {
      ...{ max_steps: 6, per_device_train_batch_size: 2, learning_rate: 1e-3, threads: 1, eval_steps: 3 },
      ...config,
    })
  ).run

const checkpoint = (run: string, file: string): Promise<string> =>
  readFile(join(run, 'checkpoints', 'last', file), 'base64')

const stepsOf = async (run: string): Promise<StepRecord[]> =>
  ((await collect(readRecords(join(run, 'log.jsonl')))) as StepRecord[]).filter((record) => 'loss' in record)

const plastic = { plasticity_lr: 1e-2, third_factor: 'reward' }

describe('a run with a plastic update', () => {
  for (const lora of ['full', { r: 4, lora_alpha: 8 }])
    it(`goes on after an interruption to the same bytes, ${typeof lora === 'string' ? lora : 'adapters'}`, () =>
      withFolder(async (folder) => {
        const config = { lora, plastic, gradient_accumulation_steps: 2 }
        const [cut, whole] = [
          await create(join(folder, 'a'), config),
          await create(join(folder, 'b'), config),
        ]
        const stop = new AbortController()
        await continueRun(cut, { step: ({ step }) => step === 4 && stop.abort() }, { signal: stop.signal })
        await continueRun(cut)
        await continueRun(whole)
        const model = lora === 'full' ? 'model.safetensors' : 'adapter_model.safetensors'
        for (const file of [model, 'optimizer.safetensors', 'trainer_state.json'])
          expect(await checkpoint(cut, file), file).to.equal(await checkpoint(whole, file))
        expect(await readFile(join(cut, 'log.jsonl'), 'utf8')).to.equal(
          await readFile(join(whole, 'log.jsonl'), 'utf8'),
        )
      }))

  it('has traces that move, in its log and in its checkpoints', () =>
    withFolder(async (folder) => {
      const run = await create(folder, { plastic })
      await continueRun(run)
      const norms = (await stepsOf(run)).map((record) => record['plastic/eligibility_norm'] as number)
      expect(norms).to.have.length(6)
      for (const [i, norm] of norms.entries()) expect(norm).to.be.greaterThan(i === 0 ? 0.5 : norms[i - 1]!)
      const kept = await readTensors(join(run, 'checkpoints', 'last', 'optimizer.safetensors'))
      const traces = [...kept].filter(([name]) => name.endsWith('.eligibility'))
      expect(traces.length).to.equal([...kept].length / 3)
      const picture = await trainingCurves(readRecords(join(run, 'log.jsonl')), 'run', sft)
      expect(picture).to.include('norm of the eligibility traces')
      const squares = traces.flatMap(([, { data }]) => [...data]).reduce((sum, e) => sum + e * e, 0)
      expect(Math.sqrt(squares) / norms.at(-1)!).to.be.closeTo(1, 1e-6)
    }))

  it('is that of AdamW alone where its rate is 0, to the byte', () =>
    withFolder(async (folder) => {
      const [zero, none] = [
        await create(join(folder, 'zero'), { plastic: { plasticity_lr: 0 } }),
        await create(join(folder, 'none')),
      ]
      await continueRun(zero)
      await continueRun(none)
      expect(await checkpoint(zero, 'adapter_model.safetensors')).to.equal(
        await checkpoint(none, 'adapter_model.safetensors'),
      )
      expect((await stepsOf(zero)).map(({ loss }) => loss)).to.deep.equal(
        (await stepsOf(none)).map(({ loss }) => loss),
      )
    }))

  it('learns otherwise by each third factor', () =>
    withFolder(async (folder) => {
      const ends = new Set<string>()
      for (const third_factor of ['published', 'reward', 'none']) {
        const run = await create(join(folder, third_factor), { plastic: { ...plastic, third_factor } })
        await continueRun(run)
        ends.add(await checkpoint(run, 'adapter_model.safetensors'))
      }
      expect(ends.size).to.equal(3)
    }))

  it('goes by how much less the loss is than usual, where the task has no reward of its own', () =>
    withFolder(async (folder) => {
      const run = await create(folder, { plastic })
      await continueRun(run)
      const steps = await stepsOf(run)
      for (const record of steps) expect(record['plastic/reward']).to.equal(-record.loss)
      const mean = steps.slice(1).reduce((m, { loss }) => 0.9 * m - 0.1 * loss, -steps[0]!.loss)
      const state = JSON.parse(
        await readFile(join(run, 'checkpoints', 'last', 'trainer_state.json'), 'utf8'),
      ) as {
        reward_mean: number
      }
      expect(state.reward_mean).to.be.closeTo(mean, 1e-12)
    }))

  it('exports the update as a graph, with what it needs to know', () =>
    withFolder(async (folder) => {
      const run = await create(folder, { plastic })
      const { models, plastic: kept } = await readManifest(run)
      expect(kept).to.deep.equal({ beta: 1, gamma: 0.95, lambda_decay: 0.01, ...plastic })
      expect(models['plastic_model.onnx']!.inputs.map(({ name }) => name).slice(0, 2)).to.deep.equal([
        'grad_norm',
        'third_factor',
      ])
      expect(Object.keys((await readManifest(await create(join(folder, 'without')))).models)).not.to.include(
        'plastic_model.onnx',
      )
    }))

  it('refuses numbers that mean nothing, by their names', () => {
    const given = { model: 'm', output_dir: 'o', data: [{ path: 'rows.jsonl', split: { all: 'train' } }] }
    expect(checkRunConfig({ ...given, plastic: {} })).to.have.property('config')
    for (const [key, value] of Object.entries({
      gamma: 1,
      plasticity_lr: -1,
      lambda_decay: 2,
      third_factor: 'x',
    })) {
      const result = checkRunConfig({ ...given, plastic: { [key]: value } })
      expect('faults' in result && result.faults[0].says).to.include(`plastic.${key}`)
    }
  })

  it('goes by the mean score of a rollout where a policy learns by one', () =>
    withFolder(async (folder) => {
      const reward = join(folder, 'letters.ts')
      await writeFile(
        reward,
        "export default (all) => all.map(({ response }) => response.split('e').length / 4)",
      )
      const { run } = await createTinyRun(folder, [{ prompt: 'a dog' }, { prompt: 'a cat' }], {
        ...{ task: 'ppo', threads: 1, max_steps: 3, learning_rate: 1e-3, plastic },
        ppo: {
          reward: { function: reward },
          batch_size: 4,
          mini_batch_size: 2,
          max_new_tokens: 4,
          eval_prompts: 2,
        },
      })
      await continueRun(run)
      const updates = await stepsOf(run)
      expect(updates).to.have.length(3)
      for (const record of updates) {
        expect(record['plastic/eligibility_norm']).to.be.greaterThan(0)
        expect(record['plastic/reward']).to.be.closeTo(record['ppo/mean_scores'] as number, 1e-9)
      }
    }))
})
