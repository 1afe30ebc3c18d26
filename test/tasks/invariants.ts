/**
 * What holds of every task, as tests: one suite, called once a task.
 * @module
 */
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import { parse } from 'yaml'

import { readManifest } from '../../src/formats/manifest.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import type { Listener } from '../../src/learning/listeners.ts'
import { inspect } from '../../src/report/inspection.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { continueRun } from '../../src/runs/continue.ts'
import type { Mapping } from '../../src/runs/overrides.ts'
import { readVariants } from '../../src/runs/variants.ts'
import type { Device } from '../../src/runtime/device.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import type { Feeds, Tensors } from '../../src/runtime/session.ts'
import { hostData } from '../../src/runtime/session.ts'
import type { TaskName } from '../../src/tasks/index.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { poke } from '../formats/poke.ts'
import { reseal } from '../formats/reseal.ts'
import { largestDifference } from '../graphs/gpt2_fixtures.ts'
import { rejection } from '../rejection.ts'
import { createTinyRun } from '../training/tiny_run.ts'
import type { Line } from '../log_lines.ts'
import { linesOf } from '../log_lines.ts'

type Invariant =
  'cut' | 'recomputed' | 'judged' | 'resumed' | 'finite' | 'fed' | 'begun' | 'meant' | 'costed' | 'shown'

export interface TaskCase {
  /** Rows of four different examples, which it learns from and is judged by. */
  readonly rows: readonly object[]
  /** Keys of its configuration; of `npt`, with no adapters. */
  readonly config: object
  /** What does not hold of it: why not, and which tests stand in. */
  readonly skip?: Partial<Readonly<Record<Invariant, { readonly reason: string; readonly tests: string }>>>
}

const root = join(import.meta.dirname, '../..')
const STEPS = 4
const shared = { threads: 1, max_steps: STEPS, eval_steps: 2, save_steps: 2, learning_rate: 1e-3 }

/** All numbers of a line, but times. */
const numbersOf = (line: Line): [string, number][] =>
  Object.entries(line).flatMap(([name, value]) =>
    name.startsWith('time/')
      ? []
      : [value].flat().flatMap((one, i) => (typeof one === 'number' ? [[`${name} ${i}`, one]] : [])),
  ) as [string, number][]

/** Every file of a run that training writes, adapter_config.json aside, which has the path of the run's model. */
async function bytesOf(run: string): Promise<Readonly<Record<string, string>>> {
  const files = await readdir(join(run, 'checkpoints'), { recursive: true, withFileTypes: true })
  const paths = files
    .filter((file) => file.isFile() && file.name !== 'adapter_config.json')
    .map(({ parentPath, name }) => join(parentPath, name))
  const contents = [join(run, 'log.jsonl'), ...paths].map(
    async (path) => [path.slice(run.length), await readFile(path, 'base64')] as const,
  )
  return Object.fromEntries(await Promise.all(contents))
}

/** The tensors of a run's last checkpoint. */
async function trained(run: string): Promise<ReadonlyMap<string, Float32Array>> {
  const folder = join(run, 'checkpoints', 'last')
  const files = (await readdir(folder)).filter(
    (name) => name.endsWith('.safetensors') && !name.startsWith('optimizer'),
  )
  expect(files, folder).not.to.be.empty
  const all = await Promise.all(files.map((name) => readTensors(join(folder, name))))
  return new Map(all.flatMap((tensors) => [...tensors].map(([name, { data }]) => [name, data] as const)))
}

const stopAfter = (step: number): Listener => ({
  step: (record) => {
    if (record.step === step) throw new Error('stopped')
  },
})

/** A runtime that notes which inputs a session was fed, and which it has. */
function noting(
  seen: { readonly fed: Set<string>; readonly has: Set<string> }[],
): (settings: Device) => Runtime {
  return (settings) => {
    const runtime = nodeRuntime(settings)
    return {
      ...runtime,
      async open(model, options) {
        const session = await runtime.open(model, options)
        return {
          ...session,
          run(feeds, into) {
            seen.push({ fed: new Set(Object.keys(feeds)), has: new Set(session.inputNames) })
            return session.run(feeds, into)
          },
        }
      },
    }
  }
}

/** A runtime that shows what a graph of the run is fed. */
const watching =
  (file: string, see: (feeds: Tensors) => void): ((settings: Device) => Runtime) =>
  (settings) => {
    const runtime = nodeRuntime(settings)
    return {
      ...runtime,
      async open(model, options) {
        const session = await runtime.open(model, options)
        if (typeof model !== 'string' || !model.endsWith(file)) return session
        return {
          ...session,
          run(feeds, into) {
            see(feeds)
            return session.run(feeds, into)
          },
        }
      },
    }
  }

/** Feeds as they are now: those of trained tensors change in place. */
const copied = (feeds: Tensors): Feeds =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => {
      const { dtype, dims } = tensor
      return [name, { dtype, dims, data: hostData(tensor)!.slice() }]
    }),
  )

/** The configurations that are shipped, by the task that they are of. */
async function shippedTasks(): Promise<readonly unknown[]> {
  const names = (await readdir(join(root, 'data'))).filter((name) => name.endsWith('.yaml'))
  const texts = await Promise.all(names.map((name) => readFile(join(root, 'data', name), 'utf8')))
  return texts.map((text, i) => {
    const { file } = readVariants(names[i]!, parse(text) as Mapping)
    return runConfigSchema.parse(file).task
  })
}

/** Tests of a task on the tiny model. */
export function taskInvariants(task: TaskName, { rows, config, skip = {} }: TaskCase): void {
  const create = async (folder: string, changes: object = {}): Promise<string> =>
    (await createTinyRun(folder, rows, { ...shared, ...config, task, ...changes })).run

  const invariant = (name: Invariant, title: string, check: () => Promise<void>): void => {
    const skipped = skip[name]
    if (skipped) it.skip(`${title}: not where ${skipped.reason}; see ${skipped.tests}`)
    else it(title, check)
  }

  describe(`the task ${task}`, () => {
    let place: string
    before(async () => void (place = await mkdtemp(join(tmpdir(), 'ortune-task-'))))
    after(() => rm(place, { recursive: true, force: true }))
    /** A run that went from its beginning to its end, which nobody changes. */
    const trainedRun = async (): Promise<string> => {
      const run = await create(join(place, 'undisturbed'))
      await continueRun(run)
      return run
    }
    let undisturbed: Promise<string> | undefined
    const undisturbedRun = (): Promise<string> => (undisturbed ??= trainedRun())

    invariant('cut', 'takes the same steps however they are cut into micro-batches', () =>
      withFolder(async (folder) => {
        const cuts = [4, 2, 1].map((size) => ({
          per_device_train_batch_size: size,
          gradient_accumulation_steps: 4 / size,
        }))
        const [whole, ...parts] = await Promise.all(
          cuts.map(async (cut, i) => {
            const run = await create(join(folder, String(i)), cut)
            await continueRun(run)
            return { lines: await linesOf(run), tensors: await trained(run) }
          }),
        )
        for (const { lines, tensors } of parts) {
          expect(lines).to.have.length(whole!.lines.length)
          for (const [i, line] of lines.entries()) {
            const expected = numbersOf(whole!.lines[i]!)
            expect(expected.length).to.be.greaterThan(2)
            for (const [n, [name, value]] of numbersOf(line).entries())
              expect(value, `line ${i}, ${name}`).to.be.closeTo(
                expected[n]![1],
                2e-5 * Math.max(1, Math.abs(value)),
              )
          }
          for (const [name, data] of tensors)
            expect(largestDifference(data, whole!.tensors.get(name)!), name).to.be.at.most(1e-4)
        }
      }),
    )

    invariant(
      'recomputed',
      'takes the same steps with gradient checkpointing, and goes on to the same bytes',
      () =>
        withFolder(async (folder) => {
          const plain = await undisturbedRun()
          const lines = await linesOf(plain)
          // Blocks together are recomputed as each alone is, whatever the task.
          for (const gradient_checkpointing of task === 'sft' ? [true, 2] : [true]) {
            const into = (name: string) =>
              create(join(folder, `${name} ${gradient_checkpointing}`), { gradient_checkpointing })
            const run = await into('whole')
            const graph = async (of: string) => readFile(join(of, 'training_model.onnx'))
            expect((await graph(run)).length).to.be.greaterThan((await graph(plain)).length)
            await continueRun(run)
            const found = await linesOf(run)
            expect(found).to.have.length(lines.length)
            for (const [i, line] of found.entries()) {
              const expected = numbersOf(lines[i]!)
              expect(expected.length).to.be.greaterThan(2)
              for (const [n, [name, value]] of numbersOf(line).entries())
                expect(value, `line ${i}, ${name}`).to.be.closeTo(
                  expected[n]![1],
                  1e-5 * Math.max(1, Math.abs(value)),
                )
            }
            if (gradient_checkpointing !== true) continue
            const stopped = await into('stopped')
            await rejection(continueRun(stopped, stopAfter(3)))
            await continueRun(stopped)
            expect(await bytesOf(stopped)).to.deep.equal(await bytesOf(run))
          }
        }),
    )

    invariant('judged', 'is judged alike whatever the batch size', () =>
      withFolder(async (folder) => {
        const losses = await Promise.all(
          [1, 4].map(async (size) => {
            const run = await create(join(folder, String(size)), {
              per_device_eval_batch_size: size,
              max_steps: 1,
            })
            await continueRun(run)
            return (await linesOf(run)).flatMap(({ eval_loss }) =>
              eval_loss === undefined ? [] : [eval_loss as number],
            )
          }),
        )
        expect(losses[0]).not.to.be.empty
        for (const [i, loss] of losses[0]!.entries())
          expect(loss).to.be.closeTo(losses[1]![i]!, 1e-5 * Math.max(1, loss))
      }),
    )

    invariant('resumed', 'goes on from a checkpoint to the same bytes', () =>
      withFolder(async (folder) => {
        const expected = await bytesOf(await undisturbedRun())
        const run = await create(join(folder, 'stopped'))
        for (const step of [1, 3]) {
          const { message } = await rejection(continueRun(run, stopAfter(step)))
          expect(message).to.equal('stopped')
        }
        // Told to stop within the evaluation of its last step, which is made when it goes on.
        const stop = new AbortController()
        const evaluating: Listener['evaluating'] = ({ step }) => step === STEPS && stop.abort()
        const { global_step, best_step } = await continueRun(run, { evaluating }, { signal: stop.signal })
        expect({ global_step, best_step }).to.deep.equal({ global_step: STEPS, best_step: 2 })
        await continueRun(run)
        const got = await bytesOf(run)
        expect(Object.keys(got).length).to.be.greaterThan(3)
        expect(got).to.deep.equal(expected)
      }),
    )

    invariant('finite', 'stops where a number is none, saying so, and leaves no checkpoint', () =>
      withFolder(async (folder) => {
        const run = await create(folder)
        const path = join(run, 'model.safetensors')
        await poke(path, 'transformer.h.1.ln_2.bias', 3, NaN)
        await reseal(run)
        expect(await userError(() => continueRun(run))).to.match(
          /NaN.*step \d|step \d.*NaN|tensor \w+ has .* \(NaN\)/,
        )
        expect(await rejection(access(join(run, 'checkpoints', 'last')))).to.include({ code: 'ENOENT' })
      }),
    )

    invariant('fed', 'feeds its graphs the inputs that they have, and no others', () =>
      withFolder(async (folder) => {
        const run = await create(folder, { max_steps: 1 })
        const seen: { readonly fed: Set<string>; readonly has: Set<string> }[] = []
        await continueRun(run, undefined, { runtimeOf: noting(seen) })
        expect(seen.length).to.be.greaterThan(1)
        for (const { fed, has } of seen) expect([...fed].sort()).to.deep.equal([...has].sort())
      }),
    )

    invariant('begun', 'begins with the tensors of checkpoint.safetensors', () =>
      withFolder(async (folder) => {
        const run = await create(folder, { max_steps: 1 })
        const initial = await readTensors(join(run, 'checkpoint.safetensors'))
        let first: Feeds | undefined
        await continueRun(run, undefined, {
          runtimeOf: watching('training_model.onnx', (feeds) => (first ??= copied(feeds))),
        })
        const { models, constants } = await readManifest(run)
        for (const { name } of models['training_model.onnx']!.outputs) {
          if (!name.endsWith('_grad')) continue
          const tensor = name.slice(0, -'_grad'.length)
          expect([...initial.get(tensor)!.data], tensor).to.deep.equal([
            ...(first![tensor]!.data as Float32Array),
          ])
        }
        for (const [name, value] of Object.entries(constants!))
          expect([...(first![name]!.data as Float32Array)], name).to.deep.equal([value])
      }),
    )

    invariant('meant', 'says what its graphs compute, and what goes in and comes out', async () => {
      const run = await undisturbedRun()
      const { models } = await readManifest(run)
      const shown = await inspect(run)
      for (const [file, { doc, inputs, outputs }] of Object.entries(models)) {
        const graph = shown.models[file]!
        expect(doc, file).to.be.a('string').and.equal(graph.doc)
        for (const [i, tensor] of [...inputs, ...outputs].entries()) {
          expect(tensor.doc, `${tensor.name} of ${file}`).to.be.a('string').and.not.equal('')
          expect([...graph.inputs, ...graph.outputs][i]).to.deep.equal(tensor)
        }
      }
    })

    invariant('costed', 'has graphs whose cost is told', async () => {
      const { models } = await inspect(await undisturbedRun())
      const costs = ['training', 'eval'].map((name) => models[`${name}_model.onnx`]!.flops_per_token)
      for (const cost of costs) expect(cost).to.be.greaterThan(1000)
    })

    invariant('shown', 'has a configuration to begin with and a page', async () => {
      expect(await shippedTasks()).to.include(task)
      await access(join(root, 'docs', `${task}.md`))
    })
  })
}
