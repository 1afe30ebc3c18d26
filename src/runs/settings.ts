/**
 * The options that a run's data, graphs and order of examples depend on. Its manifest keeps them as they were, so that one of them
 * that is changed in `training.json` is named.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'

import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import { CHANGEABLE } from './changeable.ts'

/** Options by their keys, as JSON has them. */
export type Settings = Readonly<Record<string, unknown>>

const FREE: readonly string[] = [...CHANGEABLE, 'output_dir']

/** Those of `training.json`. Where a reward lies is left out: it may be moved, and a function has a digest of its own. */
export function settingsOf(training: object, task: string): Settings {
  const kept = Object.entries(JSON.parse(JSON.stringify(training)) as Settings).filter(
    ([key]) => !FREE.includes(key),
  )
  return Object.fromEntries(kept.map(([key, value]) => [key, key === task ? withoutPlace(value) : value]))
}

function withoutPlace(options: unknown): unknown {
  const { reward, ...others } = (options ?? {}) as { reward?: object }
  if (typeof reward !== 'object' || reward === null) return options
  const kind = ['function', 'model'].find((key) => key in reward)
  return { ...others, reward: kind ?? reward }
}

/** @throws UserError naming the first option of `training.json` that is another than the manifest keeps */
export function checkSettings(training: object, kept: Settings, task: string, where: string): void {
  const now = settingsOf(training, task)
  const key = [...new Set([...Object.keys(kept), ...Object.keys(now)])].find(
    (name) => !isDeepStrictEqual(now[name], kept[name]),
  )
  if (key === undefined) return
  throw new UserError(
    `${where}: ${key}, which the run depends on, has changed since it was made (${quote(now[key])} in place of ${quote(kept[key])}); put it back, or train anew`,
  )
}
