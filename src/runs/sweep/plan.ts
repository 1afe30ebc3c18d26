/**
 * The runs of a sweep, each checked as `train` checks it, before the first one begins.
 * @module
 */
import { join } from 'node:path'

import { UserError } from '../../errors.ts'
import { readRows } from '../../data/sources/read_rows.ts'
import { digestOfJson } from '../../formats/sealed.ts'
import { taskNamed } from '../../tasks/index.ts'
import { checkConfig, readTaskModel } from '../check_config.ts'
import { checkRunDevice } from '../check_device.ts'
import type { RunConfig } from '../config.ts'
import { adaptationOf, taskOptions } from '../learning_config.ts'
import { newHead } from '../new_head.ts'
import { stagesOf } from '../curriculum/create.ts'
import type { Mapping } from '../overrides.ts'
import { placeOf, readOverridden, withOverrides } from '../overrides.ts'
import { maxLengthOf } from '../prepare_data.ts'
import { runGraphs } from '../run_graphs.ts'
import type { Variants } from '../variants.ts'
import { choiceOf, readVariants, VARIANT, variantOf, withVariant } from '../variants.ts'
import { without } from '../../without.ts'
import type { Axis } from './axis.ts'
import { endsOf, isRange } from './axis.ts'
import type { Combination, Draws } from './combinations.ts'
import { combinations } from './combinations.ts'

/** What a command line asks for. */
export interface SweepRequest {
  /** The YAML file, as errors call it, and its options. */
  readonly path: string
  readonly file: Mapping
  readonly axes: readonly Axis[]
  /** Absent: the whole grid. */
  readonly draws?: Draws | undefined
  /** The sweep's folder; by default that of the file's runs, with `-sweep` behind. */
  readonly out?: string | undefined
}

export interface SweepPlan {
  readonly out: string
  /** The axes of several values. */
  readonly axes: readonly Axis[]
  /** The options that all runs share, unchecked, and the variants of them. */
  readonly shared: Mapping
  readonly variants: Variants
  readonly runs: readonly [PlannedRun, ...PlannedRun[]]
}

export interface PlannedRun {
  /** What a run is told by, wherever it lies: of its whole configuration but for where it lies. */
  readonly digest: string
  readonly overrides: Combination
  /** Its variant, where they are compared. */
  readonly variant: string | undefined
  readonly config: RunConfig
}

/** What would make rows of a table that do not compare. */
const FIXED: Readonly<Record<string, string>> = {
  output_dir: 'each run has a folder of its own; name that of the sweep by --out',
  metric_for_best_model: 'runs are compared by it; give one',
}

/**
 * Plans a sweep: each combination of values once, all of them checked.
 *
 * @throws UserError naming the key at fault
 */
export async function planSweep(request: SweepRequest): Promise<SweepPlan> {
  const { path, draws, out } = request
  const { file, variants } = readVariants(path, request.file)
  const axes = withVariants(path, request.axes, variants)
  checkKeys(axes)
  const swept = axes.filter(isSwept)
  const fixed = axes.flatMap((axis) => (isSwept(axis) || isRange(axis) ? [] : [axis.values[0]]))
  const { output_dir, ...shared } = withOverrides(file, fixed)
  if (out === undefined && (typeof output_dir !== 'string' || output_dir === ''))
    throw new UserError(`${path} has no output_dir; name the folder of the sweep by --out`)
  const folder = out ?? `${(output_dir as string).replace(/\/+$/, '')}-sweep`
  const given = { ...file, output_dir: join(folder, 'run') }
  const others = fixed.filter(({ keys }) => keys[0] !== 'output_dir')
  const check = createChecks()
  const runs = new Map<string, PlannedRun>()
  const configOf = (overrides: Combination) =>
    readOverridden(path, given, withVariant(path, [...others, ...overrides], variants))
  const faultOf = async (overrides: Combination): Promise<string | undefined> => {
    try {
      await check(configOf(overrides))
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }
  const read = async (overrides: Combination): Promise<RunConfig> => {
    const config = configOf(overrides)
    try {
      await check(config)
    } catch (error) {
      if (!(error instanceof UserError) || (await faultOf([])) === error.message) throw error
      throw new UserError(`${await blame(overrides, faultOf)}: ${error.message}`)
    }
    return config
  }
  for (const ends of endsOfRanges(swept)) await read(ends)
  for (const overrides of combinations(swept, draws)) {
    const config = await read(overrides)
    const variant = variantOf(overrides)
    const digest = digestOfConfig(config, variant)
    if (!runs.has(digest)) runs.set(digest, { digest, overrides, variant, config })
  }
  const planned = [...runs.values()] as [PlannedRun, ...PlannedRun[]]
  return { out: folder, axes: swept, shared, variants, runs: planned }
}

/** With all variants as the last axis, where the command line chooses none: those of one seed then follow each other. */
function withVariants(path: string, axes: readonly Axis[], variants: Variants): readonly Axis[] {
  const [first, ...others] = [...variants.keys()].map((name) => choiceOf(path, name))
  if (first === undefined || axes.some(({ key }) => key.split('.')[0] === VARIANT)) return axes
  return [...axes, { key: VARIANT, values: [first, ...others] }]
}

/** What tells runs apart; a variant does even where it is the only one so far. */
const isSwept = (axis: Axis): boolean => isRange(axis) || axis.values.length > 1 || axis.key === VARIANT

function checkKeys(axes: readonly Axis[]): void {
  for (const [i, { key }] of axes.entries()) {
    const instead = FIXED[key]
    const axis = axes[i]!
    if (instead !== undefined && isSwept(axis))
      throw new UserError(`${key} on the command line cannot have several values: ${instead}`)
    const other = axes
      .slice(0, i)
      .find((before) => `${key}.`.startsWith(`${before.key}.`) || `${before.key}.`.startsWith(`${key}.`))
    if (other === undefined) continue
    throw new UserError(
      other.key === key
        ? `${key} stands twice on the command line; list its values behind one, ${key}=…,…`
        : `${other.key} and ${key} on the command line both say what ${[other.key, key].sort()[0]} is; leave one out`,
    )
  }
}

/** Combinations that have each range's ends; of the other axes the first values. */
function endsOfRanges(axes: readonly Axis[]): readonly Combination[] {
  const first = axes.map((axis) => (isRange(axis) ? endsOf(axis)[0]! : axis.values[0]))
  return axes.flatMap((axis, i) =>
    isRange(axis) ? endsOf(axis).map((end) => first.toSpliced(i, 1, end)) : [],
  )
}

/** What a fault comes from: the one value without which there is none, or all. */
async function blame(
  overrides: Combination,
  faultOf: (some: Combination) => Promise<string | undefined>,
): Promise<string> {
  for (const override of overrides)
    if ((await faultOf(overrides.filter((other) => other !== override))) === undefined)
      return placeOf(override)
  return `${overrides.map(({ text }) => text).join(' ')} on the command line`
}

/** The checks of `createRun` that need no data but a first row. What is the same in many runs is looked at once. */
function createChecks(): (config: RunConfig) => Promise<void> {
  const seen = new Set<string>()
  const once = async (what: string, value: unknown, look: () => Promise<unknown>) => {
    const name = JSON.stringify([what, value])
    if (seen.has(name)) return
    await look()
    seen.add(name)
  }
  return async function check(config) {
    checkConfig(config)
    if (config.stages) {
      for (const { config: own } of stagesOf(config)) await check(own)
      return
    }
    const model = await readTaskModel(config)
    await maxLengthOf(config)
    await maxLengthOf(config, 'eval_max_length')
    const lora = adaptationOf(config, model)
    const { head, graphOptions } = taskNamed(config.task)
    const npt = config.npt && 'from' in config.npt ? null : config.npt
    if (lora !== 'none' || npt) {
      const options = graphOptions.parse(taskOptions(config))
      const classes = config.classes ?? ['0', '1']
      await runGraphs(
        { task: config.task, options, head: newHead(head, config, classes), lora, npt },
        model,
        new Map(),
      )
    }
    const { provider, threads, precision } = config
    await once('device', [provider, threads, precision], () => checkRunDevice(config))
    for (const source of [...config.data, ...(config.eval_data ?? [])])
      await once('data', without(source, ['split', 'template']), () =>
        readRows(source.path, without(source, ['path', 'split', 'template'])).next(),
      )
  }
}

/** Without what is null, as most keys are that nobody gave: a later version with more of them recognises the run. */
const digestOfConfig = (config: RunConfig, variant: string | undefined): string =>
  digestOfJson(withoutNulls({ ...without(config, ['output_dir']), variant })).slice(0, 12)

const withoutNulls = (value: object): unknown =>
  JSON.parse(JSON.stringify(value, (_key, inner: unknown) => inner ?? undefined))
