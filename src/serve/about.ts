/**
 * What is known of a run beside its log.
 * @module
 */
import { open, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import { z } from 'zod'

import { STATE_FILE } from '../formats/checkpoint_seal.ts'
import { isHeld } from '../formats/lock.ts'
import { readJson } from '../formats/read_file.ts'
import { standingFolder } from '../formats/standing_folder.ts'
import { panelsOf, stepOf } from '../report/panels.ts'
import { readConfig } from '../runs/read_config.ts'
import { lockOf } from '../runs/run_lock.ts'
import { readRunConfig } from '../runs/run_config.ts'
import type { TaskName } from '../tasks/index.ts'
import { taskNamed } from '../tasks/index.ts'
import type { Panel } from '../tasks/task.ts'

/** A text that a run has written while it learned, with its score. */
export interface WrittenSample {
  readonly step: number
  readonly prompt: string
  readonly response: string
  readonly score: number
}

type Options = Readonly<Record<string, unknown>>

export interface RunAbout {
  readonly name: string
  readonly task: TaskName
  /** What a step is, and what is drawn over them. */
  readonly step: string
  readonly panels: readonly Panel[]
  /** Whether a process trains it now. */
  readonly running: boolean
  /** Steps that it goes to, where they are given; else so many epochs. */
  readonly maxSteps: number | null
  readonly epochs: number
  readonly checkpoints: {
    readonly last: { readonly step: number } | null
    readonly best: { readonly step: number; readonly metric: string; readonly value: number | null } | null
    /** Whether it ended since nothing got better. */
    readonly stoppedEarly: boolean
  }
  /** Where it lies, as the command that watches it was told. */
  readonly folder: string
  /** Its options, but for those that are null: what was chosen, and what is so by default. */
  readonly chosen: Options
  readonly defaults: Options
  /** The last ones, the newest last. */
  readonly samples: readonly WrittenSample[]
}

const stateSchema = z.looseObject({
  global_step: z.number(),
  best_metric: z.number().nullable(),
  evaluations_without_improvement: z.number(),
})

/** @throws UserError where the folder is no run */
export async function aboutRun(run: string): Promise<RunAbout> {
  const config = await readRunConfig(run)
  const task = taskNamed(config.task)
  const [last, best] = await Promise.all(
    ['last', 'best'].map((name) => stateOf(join(run, 'checkpoints', name))),
  )
  const { early_stopping_patience: patience, metric_for_best_model: metric } = config
  return {
    name: basename(resolve(run)),
    task: config.task,
    step: stepOf(task),
    panels: panelsOf(task),
    running: await isHeld(lockOf(run)).catch(() => false),
    maxSteps: config.max_steps,
    epochs: config.num_train_epochs,
    checkpoints: {
      last: last ? { step: last.global_step } : null,
      best: best ? { step: best.global_step, metric, value: best.best_metric } : null,
      stoppedEarly: patience !== null && (last?.evaluations_without_improvement ?? 0) >= patience,
    },
    folder: run,
    chosen: optionsOf(config, (key, value) => !isDefault(key, value)),
    defaults: optionsOf(config, isDefault),
    samples: await lastSamples(join(run, 'rollouts.jsonl')),
  }
}

/** What a run is made with where nothing is said. */
const usual: Options = {
  ...readConfig({ model: '-', output_dir: '-', data: [{ path: '-', split: { all: 'train' } }] }),
}

const isDefault = (key: string, value: unknown): boolean => isDeepStrictEqual(usual[key], value)

const optionsOf = (config: object, wanted: (key: string, value: unknown) => boolean): Options =>
  Object.fromEntries(Object.entries(config).filter(([key, value]) => value !== null && wanted(key, value)))

/** Where a checkpoint stands; undefined where there is none, or one that is none of ours. */
async function stateOf(checkpoint: string): Promise<z.infer<typeof stateSchema> | undefined> {
  const file = join(await standingFolder(checkpoint), STATE_FILE)
  return readJson(file)
    .then((json) => stateSchema.safeParse(json).data)
    .catch(() => undefined)
}

const sampleSchema = z.object({
  step: z.number(),
  prompt: z.string(),
  response: z.string(),
  score: z.number(),
})

/** Bytes at the end of a file, and how many of the samples in them. */
const TAIL = 2 ** 16
const SAMPLES = 12

async function lastSamples(path: string): Promise<readonly WrittenSample[]> {
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile()) return []
  const file = await open(path)
  try {
    const from = Math.max(0, found.size - TAIL)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL), 0, TAIL, from)
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n')
    // The first was cut off, the last is being written.
    return lines
      .slice(from === 0 ? 0 : 1, -1)
      .flatMap((line) => sampleOf(line) ?? [])
      .slice(-SAMPLES)
  } finally {
    await file.close()
  }
}

function sampleOf(line: string): WrittenSample | undefined {
  try {
    return sampleSchema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
