/**
 * Runs of a sweep beside each other: from the best to the worst, and over seeds.
 * @module
 */
import { isBetter } from '../../learning/listeners.ts'
import type { MedianInterval } from '../../metrics/bootstrap.ts'
import { medianInterval } from '../../metrics/bootstrap.ts'
import type { SweptRun } from './go.ts'
import { without } from '../../without.ts'

/** By the metric at the best step; runs that failed last. */
export const fromBest = (runs: readonly SweptRun[]): readonly SweptRun[] =>
  runs.toSorted((a, b) => compared(a.metric, a.best_metric, b.best_metric))

/** Runs that differ in nothing but their seeds. */
export interface SeedGroup {
  /** By the other keys. */
  readonly values: Readonly<Record<string, unknown>>
  readonly metric: string
  /** Of the runs that did not fail; null where all did. */
  readonly interval: MedianInterval | null
  readonly finished: number
  readonly failed: number
}

/** Groups from the best median to the worst. None where `seed` is no key of the sweep. */
export function overSeeds(runs: readonly SweptRun[]): readonly SeedGroup[] {
  if (runs.some(({ values }) => !('seed' in values))) return []
  return groupedOverSeeds(runs)
    .map(({ values, runs: group }): SeedGroup => {
      const found = group.flatMap(({ best_metric }) => best_metric ?? [])
      return {
        values,
        metric: group[0]!.metric,
        interval: found.length === 0 ? null : medianInterval(found),
        finished: found.length,
        failed: group.length - found.length,
      }
    })
    .sort((a, b) => compared(a.metric, a.interval?.median ?? null, b.interval?.median ?? null))
}

/** Runs with the same values but for their seeds, in the order in which they are given. */
export function groupedOverSeeds(
  runs: readonly SweptRun[],
): readonly { readonly values: SeedGroup['values']; readonly runs: readonly SweptRun[] }[] {
  const groups = new Map<string, SweptRun[]>()
  for (const run of runs) {
    const name = JSON.stringify(othersThanSeed(run))
    groups.set(name, [...(groups.get(name) ?? []), run])
  }
  return [...groups.values()].map((runs) => ({ values: othersThanSeed(runs[0]!), runs }))
}

const othersThanSeed = ({ values }: SweptRun): SeedGroup['values'] => without(values, ['seed'])

function compared(metric: string, a: number | null, b: number | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  return Number(isBetter(metric, b, a)) - Number(isBetter(metric, a, b))
}
