/**
 * Which options of a run may be others when it goes on: those that neither its data, nor its graphs, nor the order of its examples
 * depend on.
 * @module
 */
import type { z } from 'zod'

import { UserError } from '../errors.ts'
import { learningRate, scheduleOf } from '../learning/schedule.ts'
import { CHANGEABLE } from './changeable.ts'
import type { RunConfig, SettledConfig, runConfigSchema } from './config.ts'
import { checkRunConfig } from './read_config.ts'

/** Options by their keys, as a YAML file has them. */
export type Changes = Partial<Pick<z.input<typeof runConfigSchema>, (typeof CHANGEABLE)[number]>>

/**
 * The configuration with some options changed.
 *
 * @param changes should be {@link Changes}
 * @throws UserError for a key that is not {@link CHANGEABLE}, or a value that its key does not take
 */
export function changed(config: SettledConfig, changes: object): SettledConfig {
  const other = Object.keys(changes).find((key) => !(CHANGEABLE as readonly string[]).includes(key))
  if (other !== undefined)
    throw new UserError(
      `${other} cannot change while a run goes on, since what it has done depends on it; change ${CHANGEABLE.join(', ')}, or train anew`,
    )
  const result = checkRunConfig({ ...config, ...changes })
  if ('faults' in result) throw new UserError(result.faults[0].says)
  const { config: checked } = result
  const after = { ...checked, learning_rate: checked.learning_rate ?? config.learning_rate }
  if ('num_train_epochs' in changes && after.max_steps !== null)
    throw new UserError(
      `the run ends after max_steps ${after.max_steps}, whatever num_train_epochs is; change max_steps, or set it to null too`,
    )
  return after
}

export const pickChangeable = (config: RunConfig): Changes =>
  Object.fromEntries(CHANGEABLE.map((key) => [key, config[key]]))

export interface Difference {
  readonly option: string
  readonly from: unknown
  readonly to: unknown
}

/** Each option that is another. */
export const differences = (before: RunConfig, after: RunConfig): Difference[] =>
  CHANGEABLE.filter((key) => before[key] !== after[key]).map((option) => ({
    ...{ option, from: before[option], to: after[option] },
  }))

/** The options that the learning rates of the steps depend on. */
const OF_SCHEDULE: readonly string[] = [
  ...['max_steps', 'num_train_epochs'],
  ...['learning_rate', 'lr_scheduler_type', 'warmup_steps', 'warmup_ratio'],
]

/** What is another from here on, and what that makes of the learning rate where it depends on it. */
export function changeNote(
  different: readonly Difference[],
  config: SettledConfig,
  totalSteps: number,
  fromStep: number,
): string {
  const shown = [...new Map(different.map((change) => [change.option, change])).values()]
  const changes = shown.map(({ option, from, to }) => `${option} ${from} → ${to}`).join(', ')
  const isRate = shown.some(({ option }) => OF_SCHEDULE.includes(option))
  return `changed: ${changes}${isRate ? `; ${scheduleNote(config, totalSteps, fromStep)}` : ''}`
}

function scheduleNote(config: SettledConfig, totalSteps: number, fromStep: number): string {
  const schedule = scheduleOf(config, totalSteps)
  const rate = learningRate(schedule, fromStep).toExponential(2)
  if (schedule.name === 'constant' && fromStep >= schedule.warmupSteps)
    return `the learning rate of step ${fromStep + 1} on is ${rate}`
  return `the ${schedule.name} schedule is that of ${totalSteps} steps now: the learning rate of step ${fromStep + 1} is ${rate}`
}
