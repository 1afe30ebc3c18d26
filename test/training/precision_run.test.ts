import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import { readTensors } from '../../src/formats/safetensors.ts'
import { readManifest } from '../../src/formats/manifest.ts'
import { continueRun } from '../../src/runs/continue.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import type { HostTensor, Session } from '../../src/runtime/session.ts'
import { TASK_NAMES } from '../../src/tasks/index.ts'
import { userError, withFolder } from '../data/helpers.ts'
import type { Line } from '../log_lines.ts'
import { linesOf } from '../log_lines.ts'
import { cases } from '../tasks/cases.ts'
import { createTinyRun } from './tiny_run.ts'

const { rows, config } = cases.sft
const shared = { threads: 1, max_steps: 6, eval_steps: 6, save_steps: 2, learning_rate: 1e-3 }

/** Gradients that float16 does not hold, from a scale of `above` on; a loss that is not finite, where it is asked for. */
const overflowing =
  (above: number, loss = 0) =>
  (): Runtime => {
    const runtime = nodeRuntime({ threads: 1 })
    const spoiled = (session: Session): Session => ({
      ...session,
      async run(feeds, options) {
        const outputs = await session.run(feeds, options)
        const scale = (feeds['loss_scale'] as HostTensor | undefined)?.data[0] as number | undefined
        if (scale !== undefined && scale > above)
          ((Object.values(options!.into!).at(-1) as HostTensor).data as Float32Array)[0] = Infinity
        if (scale !== undefined && loss !== 0) (outputs['loss']!.data as Float32Array)[0] = loss
        return outputs
      },
    })
    return { ...runtime, open: async (...given) => spoiled(await runtime.open(...given)) }
  }

const stateOf = (run: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(run, 'checkpoints/last/trainer_state.json'), 'utf8')) as Record<
    string,
    unknown
  >
const steps = async (run: string): Promise<Line[]> =>
  (await linesOf(run)).filter((line) => 'grad_norm' in line)

describe('a run in 16 bits', function () {
  this.slow(20_000)
  for (const task of TASK_NAMES)
    it(`of task ${task} learns much as in float32`, () =>
      withFolder(async (folder) => {
        const short = { ...shared, task, max_steps: 2, ...cases[task].config }
        const { run: whole } = await createTinyRun(join(folder, 'whole'), cases[task].rows, short)
        await continueRun(whole)
        expect((await readManifest(whole)).precision).to.equal(undefined)
        const full = await steps(whole)
        for (const precision of ['fp16', 'bf16'] as const) {
          const { run } = await createTinyRun(join(folder, precision), cases[task].rows, {
            ...short,
            precision,
          })
          const notes: string[] = []
          await continueRun(run, { note: (sentence) => notes.push(sentence) })
          expect(notes.join()).to.match(new RegExp(`${precision} is what tensors are stored in`))
          expect((await readManifest(run)).precision).to.equal(precision)
          const half = await steps(run)
          expect(half).to.have.length(2)
          // What a policy writes may differ by a token, and so what it is scored for.
          if (task === 'ppo' || task === 'neuroplastic') continue
          half.forEach(({ loss }, i) =>
            expect(loss, precision).to.be.closeTo(full[i]!['loss'] as number, 0.03),
          )
          expect(half.every((line) => 'loss_scale' in line === (precision === 'fp16'))).to.equal(true)
        }
      }))

  it('leaves out steps whose gradients overflow, halves the scale and goes on, the same when it is resumed between them', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, rows, {
        ...shared,
        ...config,
        precision: 'fp16',
        save_steps: 1,
      })
      const copy = join(folder, 'copy')
      cpSync(run, copy, { recursive: true })
      const runtimeOf = overflowing(20_000)
      await continueRun(run, undefined, { runtimeOf })

      const lines = await steps(run)
      expect(lines.map((line) => line['skipped'])).to.deep.equal([1, 2, 2, 2, 2, 2])
      expect(lines.map((line) => line['loss_scale'])).to.deep.equal([
        32768, 16384, 16384, 16384, 16384, 16384,
      ])
      expect(lines.slice(0, 2).map((line) => line['grad_norm'])).to.deep.equal([0, 0])
      expect(lines[2]!['grad_norm']).to.be.greaterThan(0)
      expect(stateOf(run)['loss_scale']).to.deep.equal({ scale: 16384, good_steps: 4, skipped: 2 })

      for (let stop = 1; stop <= 6; stop++) {
        const ending = new AbortController()
        const watcher = { step: ({ step }: { step: number }) => step >= stop && ending.abort() }
        await continueRun(copy, watcher, { runtimeOf, signal: ending.signal })
      }
      for (const name of [
        'log.jsonl',
        'checkpoints/last/optimizer.safetensors',
        'checkpoints/last/trainer_state.json',
      ])
        expect(readFileSync(join(copy, name)).equals(readFileSync(join(run, name))), name).to.equal(true)
    }))

  it('does not count steps that were left out for the corrections of bias', () =>
    withFolder(async (folder) => {
      const one = { ...shared, ...config, max_steps: 3, lr_scheduler_type: 'constant', precision: 'fp16' }
      const { run } = await createTinyRun(folder, rows, one)
      await continueRun(run, undefined, { runtimeOf: overflowing(20_000) })
      const adapter = await readTensors(join(run, 'checkpoints/last/adapter_model.safetensors'))
      // B begins at 0. AdamW's first step moves by the learning rate, were it taken for the third one by 0.64 of it.
      const moved = [...adapter]
        .filter(([name]) => name.includes('lora_B'))
        .flatMap(([, { data }]) => [...data])
      const largest = moved.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
      expect(largest).to.be.closeTo(1e-3, 1e-5)
    }))

  it('stops where a gradient is not finite at scale 1, and names it', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, rows, {
        ...shared,
        ...config,
        max_steps: 30,
        precision: 'fp16',
      })
      const message = await userError(() => continueRun(run, undefined, { runtimeOf: overflowing(0) }))
      expect(message).to.match(
        /the gradient of transformer\.\S+ is not finite at step 17; float16 has no room .* bf16 or fp32/,
      )
    }))

  it('stops where the loss is not finite, whatever the scale', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, rows, { ...shared, ...config, precision: 'fp16' })
      const message = await userError(() =>
        continueRun(run, undefined, { runtimeOf: overflowing(Infinity, NaN) }),
      )
      expect(message).to.match(/the loss is NaN at step 1/)
    }))

  it('keeps the graphs of 16 bits in its folder', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, rows, { ...shared, ...config, precision: 'bf16' })
      const graph = readFileSync(join(run, 'training_model.onnx'))
      const message = await userError(() => nodeRuntime().open(graph, { externalFolder: run }))
      expect(message).to.match(/bfloat16|NOT_IMPLEMENTED|Could not find an implementation/)
    }))

  for (const base of ['bf16', 'fp16', 'int4'] as const)
    it(`goes with frozen weights in ${base}`, () =>
      withFolder(async (folder) => {
        const { run } = await createTinyRun(folder, rows, { ...shared, ...config, precision: 'bf16', base })
        await continueRun(run)
        const lines = await steps(run)
        expect(lines).to.have.length(6)
        expect(lines[5]!['loss']).to.be.lessThan(lines[0]!['loss'] as number)
      }))

  for (const precision of ['fp16', 'bf16'] as const)
    it(`learns the same with gradient checkpointing, ${precision}`, () =>
      withFolder(async (folder) => {
        const losses = async (name: string, options: object) => {
          const given = { ...shared, ...config, precision, ...options }
          const { run } = await createTinyRun(join(folder, name), rows, given)
          await continueRun(run)
          return (await steps(run)).map((line) => [line['loss'], line['grad_norm']])
        }
        const plain = await losses('plain', {})
        expect(await losses('checkpointed', { gradient_checkpointing: true })).to.deep.equal(plain)
      }))

  it('refuses a provider with other 16 bits', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, rows, { ...shared, ...config, precision: 'bf16' })
      const runtimeOf = (): Runtime => ({
        ...nodeRuntime(),
        provider: () => Promise.resolve('webgpu'),
        halfTypes: () => Promise.resolve({ arithmetic: ['float16'], storage: ['float16'] }),
      })
      expect(await userError(() => continueRun(run, undefined, { runtimeOf }))).to.equal(
        "webgpu on this device has no bfloat16; use the provider 'auto' or 'cpu', or make the run with precision fp16 or fp32",
      )
    }))

  for (const base of ['fp16', 'bf16'])
    it(`learns the same where weights of ${base} cannot be kept, which are widened once`, () =>
      withFolder(async (folder) => {
        const losses = async (name: string, runtime: Partial<Runtime>) => {
          const notes: string[] = []
          const { run } = await createTinyRun(join(folder, name), rows, { ...shared, ...config, base })
          const runtimeOf = (): Runtime => ({ ...nodeRuntime(), ...runtime })
          await continueRun(run, { note: (sentence) => notes.push(sentence) }, { runtimeOf })
          return { notes, losses: (await steps(run)).map((line) => line['loss'] as number) }
        }
        const kept = await losses('kept', {})
        const widened = await losses('widened', {
          halfTypes: () => Promise.resolve({ arithmetic: [], storage: [] }),
        })
        expect(kept.notes).to.deep.equal([])
        expect(widened.notes).to.deep.equal([
          'the device cannot keep weights of these 16 bits, so the frozen ones are widened once, and take the memory of float32',
        ])
        for (const [i, loss] of kept.losses.entries())
          expect(widened.losses[i]! / loss).to.be.closeTo(1, 1e-6)
      }))

  it('refuses a precision that was changed', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, rows, { ...shared, ...config, precision: 'bf16' })
      const path = join(run, 'training.json')
      writeFileSync(path, readFileSync(path, 'utf8').replace('"bf16"', '"fp32"'))
      expect(await userError(() => continueRun(run))).to.match(
        /precision, which the run depends on, has changed/,
      )
    }))
})
