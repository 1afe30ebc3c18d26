/**
 * Which combinations of values a sweep trains with: all of a grid, or some drawn at random.
 * @module
 */
import { UserError } from '../../errors.ts'
import { createRandom } from '../../random.ts'
import type { Override } from '../overrides.ts'
import type { Axis, ListedAxis } from './axis.ts'
import { drawFrom, isRange } from './axis.ts'

/** A value for each axis, in their order. */
export type Combination = readonly Override[]

export interface Draws {
  readonly count: number
  readonly seed: number
}

/** Most runs of a sweep; a slip of the keyboard makes more. */
const MOST = 10_000

/** How often something new may be looked for in vain. */
const PATIENCE = 1000

/**
 * All combinations, the last axis running fastest; or different ones drawn at random, each with every value of `seed`, where
 * that is an axis. More draws with the same seed begin with the same ones.
 *
 * @throws UserError for a range without draws, or for too many combinations
 */
export function combinations(axes: readonly Axis[], draws?: Draws): readonly Combination[] {
  if (draws) return drawn(axes, draws)
  const listed = axes.map((axis) => {
    if (!isRange(axis)) return axis
    throw new UserError(
      `${axis.text} on the command line is a range, which a grid has no end of; draw from it by --random 20, or list values`,
    )
  })
  return grid(listed)
}

function grid(axes: readonly ListedAxis[]): readonly Combination[] {
  checkCount(axes.reduce((product, { values }) => product * values.length, 1))
  return axes.reduce<readonly Combination[]>(
    (begun, { values }) => begun.flatMap((combination) => values.map((value) => [...combination, value])),
    [[]],
  )
}

function drawn(axes: readonly Axis[], { count, seed }: Draws): readonly Combination[] {
  const isSeed = (axis: Axis): axis is ListedAxis => axis.key === 'seed' && !isRange(axis)
  const others = axes.filter((axis) => !isSeed(axis))
  const seeds = axes.find(isSeed)
  checkCount(count * (seeds?.values.length ?? 1))
  const found = new Map<string, readonly Override[]>()
  const random = createRandom(seed, 'sweep')
  for (let vain = 0; found.size < count && vain < PATIENCE; vain++) {
    const overrides = others.map((axis) => drawFrom(axis, random))
    const name = JSON.stringify(overrides.map(({ value }) => value))
    if (found.has(name)) continue
    found.set(name, overrides)
    vain = -1
  }
  return [...found.values()].flatMap((overrides) =>
    seeds ? seeds.values.map((value) => overrides.toSpliced(axes.indexOf(seeds), 0, value)) : [overrides],
  )
}

function checkCount(count: number): void {
  if (count > MOST)
    throw new UserError(
      `the sweep would have ${count.toLocaleString('en')} runs, where ${MOST.toLocaleString('en')} is the most; give fewer values, or draw some by --random 20`,
    )
}
