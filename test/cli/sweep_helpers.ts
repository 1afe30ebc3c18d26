/** @module */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { expect } from 'chai'

import type { SweepRow } from '../../src/runs/sweep/rows.ts'
import { withFolder } from '../data/helpers.ts'
import { writeTinyModel } from '../tiny_model.ts'
import type { Outcome } from './run_cli.ts'
import { runHere } from './run_cli.ts'

/** Three variants, of which one has stages. */
export const VARIANTS = {
  variants: {
    plain: null,
    large: { 'lora.r': 8 },
    staged: {
      max_steps: null,
      stages: [
        { name: 'short', filter: 'row.text | length < 100', max_steps: 2 },
        { name: 'all', max_steps: 4 },
      ],
    },
  },
}

export interface Result {
  readonly out: string
  readonly keys: readonly string[]
  readonly runs: readonly (SweepRow & { readonly values: Readonly<Record<string, unknown>> })[]
  readonly over_seeds: readonly {
    readonly values: object
    readonly finished: number
    readonly failed: number
  }[]
  readonly best: string
  readonly picture: string
  readonly left: number
  readonly stopped: string | null
}

/** A folder with a tiny model, data of all three splits and a configuration `run.yaml`. */
export async function withSweep(work: (folder: string) => Promise<void>, config: object = {}): Promise<void> {
  await withFolder(async (folder) => {
    await place(folder, config)
    await work(folder)
  })
}

export async function place(folder: string, config: object): Promise<void> {
  await writeTinyModel(join(folder, 'model'))
  const words = ['fox', 'hen', 'owl', 'elk', 'bee', 'ant']
  const rows = ['train', 'validation', 'test'].flatMap((split) =>
    words.map((word) => `a ${word} is an animal,${split}`),
  )
  writeFileSync(join(folder, 'rows.csv'), `text,split\n${rows.join('\n')}\n`)
  configure(folder, config)
}

/** Writes the configuration anew. */
export function configure(folder: string, config: object): void {
  const data = [{ path: 'rows.csv', split: { column: 'split' } }]
  const shared = {
    model: 'model',
    output_dir: 'runs/tiny',
    data,
    lora: { r: 4 },
    per_device_train_batch_size: 2,
  }
  writeFileSync(
    join(folder, 'run.yaml'),
    JSON.stringify({ ...shared, max_steps: 4, eval_steps: 2, ...config }),
  )
}

export function resultOf({ code, stdout, stderr }: Outcome): Result {
  expect(code, stderr).to.equal(0)
  return JSON.parse(stdout) as Result
}

export const sweep = async (folder: string, ...args: string[]): Promise<Result> =>
  resultOf(await runHere(folder, 'sweep', 'run.yaml', '--json', ...args))

/** What a run has come to, apart from clocks. */
export const filesOf = (run: string): ReadonlyMap<string, string> =>
  new Map(
    ['log.jsonl', ...['best', 'last'].flatMap((name) => filesIn(run, join('checkpoints', name)))].map(
      (name) => [name, readFileSync(join(run, name)).toString('base64')],
    ),
  )

const filesIn = (run: string, folder: string): string[] =>
  readdirSync(join(run, folder)).map((name) => join(folder, name))

export const steps = (log: string): number =>
  existsSync(log) ? (readFileSync(log, 'utf8').match(/"grad_norm"/g) ?? []).length : 0

/** What does not depend on a clock. */
export const comparable = ({
  run,
  values,
  best_metric,
  best_step,
  steps,
  tokens,
  evaluations,
}: Result['runs'][number]) => ({
  ...{ run, values, best_metric, best_step, steps, tokens },
  evaluations: evaluations.map((evaluation) => ({ ...evaluation, seconds: null })),
})

export const rowsIn = (out: string): number =>
  existsSync(join(out, 'sweep.jsonl'))
    ? readFileSync(join(out, 'sweep.jsonl'), 'utf8').split('\n').filter(Boolean).length
    : 0

const command = join(import.meta.dirname, '../../src/cli/ortune.mjs')

export function start(folder: string, args: readonly string[]) {
  const child = spawn(process.execPath, [command, ...args], { cwd: folder })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (said += text.toString()))
  return { child, said: () => said, ended: once(child, 'close') as Promise<[number | null]> }
}

/** Kills a command at the moment that it has come so far. */
export async function killAt(folder: string, args: readonly string[], moment: () => boolean): Promise<void> {
  const { child, said, ended } = start(folder, args)
  while (child.exitCode === null && !moment()) await setTimeout(1)
  expect(child.exitCode, said()).to.equal(null)
  child.kill('SIGKILL')
  await ended
}
