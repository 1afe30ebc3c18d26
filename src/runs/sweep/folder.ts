/**
 * The folder of a sweep:
 *
 *     sweep.json                 its keys, and the options that its runs share
 *     sweep.jsonl                what came of each run
 *     sweep.svg                  the picture
 *     learning_rate=1e-4,…/      the runs
 * @module
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import { z } from 'zod'

import { UserError } from '../../errors.ts'
import { makeFolder } from '../../formats/disk.ts'
import { writeFileAtomic } from '../../formats/atomic.ts'
import { exists, readJson } from '../../formats/read_file.ts'
import { quote } from '../../quote.ts'
import { checkJson } from '../../schema.ts'
import type { Mapping } from '../overrides.ts'
import { isMapping } from '../overrides.ts'
import type { Axis } from './axis.ts'
import { isRange } from './axis.ts'
import type { SweepPlan } from './plan.ts'

/** How an axis is drawn. */
export type Scale = 'list' | 'lin' | 'log'

const sweepSchema = z.object({
  keys: z.record(z.string(), z.enum(['list', 'lin', 'log'])),
  shared: z.record(z.string(), z.unknown()),
  variants: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
})

export interface SweepFolder {
  readonly out: string
  readonly rowsFile: string
  /** All keys that were ever swept in it. */
  readonly scales: Readonly<Record<string, Scale>>
  /** Names of run folders, by digest. */
  readonly folders: ReadonlyMap<string, string>
}

/**
 * Makes the folder of a sweep, or goes on in it with more keys and values.
 *
 * @throws UserError where it is another sweep's, whose runs differ from these in more than the keys of both
 */
export async function openSweepFolder({ out, axes, shared, variants }: SweepPlan): Promise<SweepFolder> {
  const file = join(out, 'sweep.json')
  const scalesNow = Object.fromEntries(axes.map((axis) => [axis.key, scaleOf(axis)]))
  const mine = JSON.parse(JSON.stringify(shared)) as Mapping
  const names = await readdir(out).catch((): string[] => [])
  const before = (await exists(file)) ? checkJson(sweepSchema, await readJson(file), file) : undefined
  if (!before && names.some((name) => name !== '.lock'))
    throw new UserError(`${out} holds files that are no sweep; name an empty or new folder by --out`)
  const scales = { ...before?.keys, ...scalesNow }
  const named = {
    ...before?.variants,
    ...(JSON.parse(JSON.stringify(Object.fromEntries(variants))) as object),
  }
  if (before) {
    checkShared(out, before.shared, mine, Object.keys(scales))
    checkVariants(out, before.variants ?? {}, named)
  }
  if (Object.keys(scales).length === 0)
    throw new UserError(
      'there is nothing to sweep over; give a key several values, such as learning_rate=1e-4,3e-4',
    )
  await makeFolder(out)
  const now = {
    ...{ keys: scales, shared: before?.shared ?? mine },
    ...(Object.keys(named).length === 0 ? {} : { variants: named }),
  }
  if (!isDeepStrictEqual(before, now)) await writeFileAtomic(file, `${JSON.stringify(now, null, 2)}\n`)
  const folders = names.flatMap((name) => {
    const digest = /-([0-9a-f]{12})$/.exec(name)?.[1]
    return digest === undefined || name.startsWith('.') ? [] : [[digest, name] as const]
  })
  return { out, rowsFile: join(out, 'sweep.jsonl'), scales, folders: new Map(folders) }
}

const scaleOf = (axis: Axis): Scale => (isRange(axis) ? axis.scale : 'list')

/** More of them may come, but a name means one thing. */
function checkVariants(out: string, before: Mapping, now: Mapping): void {
  const other = Object.keys(before).find((name) => !isDeepStrictEqual(before[name], now[name]))
  if (other !== undefined)
    throw new UserError(
      `${out} holds a sweep in which variant ${quote(other)} has other keys; put them back, give it another name, or name another folder by --out`,
    )
}

function checkShared(out: string, before: Mapping, now: Mapping, keys: readonly string[]): void {
  const swept = (leaf: string) =>
    keys.some((key) => `${leaf}.`.startsWith(`${key}.`) || `${key}.`.startsWith(`${leaf}.`))
  const [were, are] = [leavesOf(before), leavesOf(now)]
  const other = [...new Set([...were.keys(), ...are.keys()])].find(
    (leaf) => !swept(leaf) && !isDeepStrictEqual(were.get(leaf), are.get(leaf)),
  )
  if (other === undefined) return
  const [was, is] = [were.get(other), are.get(other)].map((value) =>
    value === undefined ? 'not given' : quote(value),
  )
  throw new UserError(
    `${out} holds a sweep in which ${other} is ${was}, and here it is ${is}; put it back, sweep over it (${other}=…,…), or name another folder by --out`,
  )
}

/** What is no mapping, by its keys. */
function leavesOf(options: Mapping, within = ''): Map<string, unknown> {
  return new Map(
    Object.entries(options).flatMap(([name, value]) =>
      isMapping(value)
        ? [...leavesOf(value, `${within}${name}.`)]
        : [[`${within}${name}`, value] as [string, unknown]],
    ),
  )
}
