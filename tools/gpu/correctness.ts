/**
 * Whether a device trains as the CPU does.
 * @module
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { readConfigFile } from '../../src/cli/config_file.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { createRun } from '../../src/runs/create.ts'
import type { ProviderOption } from '../../src/runtime/device.ts'
import type { Case } from './cases.ts'

const root = join(import.meta.dirname, '..', '..')
const ROWS = 16

/** How a case went on a device. */
export interface Compared {
  readonly steps: number
  /** The furthest that a step's loss lies from the CPU's, relative. */
  readonly loss: number
  /** The furthest that a gradient of the first step lies from the CPU's, of the largest in its tensor. */
  readonly gradient: number
  readonly within: number
  /** Median, from the second step on. */
  readonly secondsPerStep: number
}

export const isRight = ({ loss, gradient, within }: Compared): boolean => loss <= within && gradient <= within

export interface Where {
  readonly model: string
  /** Where runs are written. */
  readonly folder: string
}

/** Trains a case on the CPU and on a device, where it is interrupted after its first step and goes on. */
export async function compare(one: Case, provider: ProviderOption, where: Where): Promise<Compared> {
  const cpu = await train(one, 'cpu', where)
  const device = await train(one, provider, where)
  if ([...cpu.gradients.values()].flatMap((g) => [...g]).every((x) => x === 0))
    throw new Error('no tensor has a gradient')
  const apart = (loss: number, i: number) => Math.abs(device.losses[i]! - loss) / Math.abs(loss)
  return {
    steps: cpu.losses.length,
    loss: furthest(cpu.losses.map(apart)),
    gradient: furthest([...cpu.gradients].map(([name, g]) => relative(device.gradients.get(name), g))),
    within: one.within ?? 1e-4,
    secondsPerStep: device.secondsPerStep,
  }
}

interface Trained {
  readonly losses: readonly number[]
  /** AdamW's first moment after one step: (1 − β₁) times the gradient. */
  readonly gradients: ReadonlyMap<string, Float32Array>
  readonly secondsPerStep: number
}

async function train(
  { config, options = [], table = 'dictionary.csv', steps = 10 }: Case,
  provider: ProviderOption,
  { model, folder }: Where,
): Promise<Trained> {
  const run = join(folder, provider)
  await mkdir(folder, { recursive: true })
  const rows = join(folder, 'rows.csv')
  const lines = (await readFile(join(root, 'data', table), 'utf8')).split('\n')
  await writeFile(rows, `${lines.slice(0, ROWS + 1).join('\n')}\n`)
  const data = JSON.stringify(['train', 'validation'].map((all) => ({ path: rows, split: { all } })))
  const given = [
    ...[`model=${model}`, `output_dir=${run}`, `data=${data}`, `provider=${provider}`],
    ...[`max_steps=${steps}`, 'eval_steps=1000', 'per_device_eval_batch_size=16'],
    ...['per_device_train_batch_size=4', 'warmup_steps=0', 'warmup_ratio=0', 'max_length=128'],
  ]
  const own = new Set(options.map((option) => option.split('=')[0]))
  const path = join(root, 'data', config)
  await createRun(
    await readConfigFile(path, [...given.filter((option) => !own.has(option.split('=')[0])), ...options]),
  )

  const losses: number[] = []
  const times: number[] = []
  const interruption = new AbortController()
  const watcher = {
    step({ loss }: { readonly loss: number }) {
      losses.push(loss)
      times.push(performance.now())
      interruption.abort()
    },
  }
  await continueRun(run, watcher, { signal: interruption.signal })
  const kept = await readTensors(join(run, 'checkpoints', 'last', 'optimizer.safetensors'))
  const gradients = [...kept].filter(([name]) => name.endsWith('.exp_avg'))
  await continueRun(run, watcher)
  const seconds = times.slice(2).map((time, i) => (time - times[i + 1]!) / 1000)
  return {
    losses,
    gradients: new Map(gradients.map(([name, { data: numbers }]) => [name, numbers])),
    secondsPerStep: seconds.toSorted((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? NaN,
  }
}

function relative(found: Float32Array | undefined, wanted: Float32Array): number {
  if (found?.length !== wanted.length) return Infinity
  const largest = furthest(Array.from(wanted, Math.abs))
  const apart = furthest(Array.from(wanted, (x, i) => Math.abs(found[i]! - x)))
  return apart === 0 ? 0 : apart / largest
}

/** The largest; NaN where one is. */
const furthest = (values: readonly number[]): number =>
  values.reduce((most, value) => (value <= most ? most : value), 0)
