/**
 * Runs of a sweep at equal tokens, or at equal seconds of training: at the last point that all of them came to. Between two evaluations
 * a metric is what lies on the line from one to the other.
 * @module
 */
import type { MedianInterval } from '../../metrics/bootstrap.ts'
import { medianInterval } from '../../metrics/bootstrap.ts'
import { UserError } from '../../errors.ts'
import type { EqualBudget } from './budgets.ts'
import { groupedOverSeeds } from './compare.ts'
import type { SweptRun } from './go.ts'

export interface EqualComparison {
  readonly by: EqualBudget
  /** Tokens or seconds. */
  readonly at: number
  readonly metrics: readonly EqualMetric[]
}

export interface EqualMetric {
  readonly metric: string
  /** In the order in which they were planned. */
  readonly groups: readonly EqualGroup[]
}

/** Runs that differ in nothing but their seeds. */
export interface EqualGroup {
  /** By the other keys. */
  readonly values: Readonly<Record<string, unknown>>
  readonly interval: MedianInterval
  /** Of the differences from the first group, seed by seed; null for that group, and where they have no seed in common. */
  readonly difference: MedianInterval | null
  readonly runs: number
}

/**
 * Compares all metrics that every finished run has; none where no run came to its end.
 *
 * @param runs in the order of the plan
 * @throws UserError where one was never evaluated
 */
export function atEqual(runs: readonly SweptRun[], by: EqualBudget): EqualComparison {
  const finished = runs.filter(({ error }) => error === null)
  if (finished.length === 0) return { by, at: 0, metrics: [] }
  const never = finished.find(({ evaluations }) => evaluations.length === 0)
  if (never)
    throw new UserError(
      `--equal: ${never.run} was never evaluated; leave --equal out, or give the sweep validation data and another --out`,
    )
  const at = Math.min(...finished.map(({ evaluations }) => evaluations.at(-1)![by]))
  const groups = groupedOverSeeds(finished)
  return { by, at, metrics: metricsOf(finished).map((metric) => ({ metric, groups: compared(metric) })) }

  function compared(metric: string): EqualGroup[] {
    const measured = groups.map(({ values, runs }) => ({
      values,
      found: runs.map((run) => ({ seed: run.values['seed'], value: valueAtBudget(run, metric, by, at) })),
    }))
    return measured.map(({ values, found }, i) => {
      const differences = found.flatMap(({ seed, value }) => {
        const other = measured[0]!.found.find((first) => first.seed === seed)
        return other ? [value - other.value] : []
      })
      return {
        values,
        interval: medianInterval(found.map(({ value }) => value)),
        difference: i === 0 || differences.length === 0 ? null : medianInterval(differences),
        runs: found.length,
      }
    })
  }
}

/** Those of all evaluations of all runs, in the order of their records. */
function metricsOf(runs: readonly SweptRun[]): readonly string[] {
  const records = runs.flatMap(({ evaluations }) => evaluations)
  return Object.keys(records[0]!).filter(
    (key) => key.startsWith('eval_') && records.every((record) => Number.isFinite(record[key])),
  )
}

/** Of two evaluations at one point, as at the end of a stage and the beginning of the next, the later one counts. */
function valueAtBudget({ evaluations }: SweptRun, metric: string, by: EqualBudget, at: number): number {
  const before = evaluations.findLast((record) => record[by] <= at) ?? evaluations[0]!
  const after = evaluations.find((record) => record[by] > at)
  const [from, to] = [before[metric] as number, (after ?? before)[metric] as number]
  if (!after || after[by] === before[by]) return from
  return from + ((to - from) * (at - before[by])) / (after[by] - before[by])
}
