/** @module */
import { isBetter } from '../../learning/listeners.ts'
import type { CurriculumOptions } from './options.ts'

/** A stage that was gone through. */
export interface Visit {
  readonly stage: string
  /** Of its best checkpoint, in its own metric on its own validation data. */
  readonly best_metric: number | null
  /** What its best checkpoint leaves of each earlier stage, in that stage's metric on its validation data. */
  readonly earlier?: Readonly<Record<string, number>> | undefined
}

/** What the way through the stages depends on. */
export interface Way extends Pick<CurriculumOptions, 'advance' | 'tolerance' | 'max_returns'> {
  /** The names of the stages, in their order. */
  readonly order: readonly string[]
  /** What each chooses its best checkpoint by. */
  readonly metrics: Readonly<Record<string, string>>
}

/**
 * The stage that comes next; undefined at the end. From a stage it goes on to the one after it; an adaptive curriculum goes back to
 * the first one that has got worse than its best by more than the tolerance, $\max(0, \pm(m - m^*)) > \tau\,|m^*|$, as often as it may.
 */
export function nextStage(way: Way, visits: readonly Visit[]): string | undefined {
  const { order, advance } = way
  const last = visits.at(-1)
  if (!last) return order[0]
  const back = advance === 'adaptive' && returns(order, visits) < way.max_returns
  const unlearned = back ? order.find((stage) => isUnlearned(way, visits, stage)) : undefined
  return unlearned ?? order[order.indexOf(last.stage) + 1]
}

/** How often a stage was followed by an earlier one. */
export const returns = (order: readonly string[], visits: readonly Visit[]): number =>
  visits.filter(({ stage }, i) => i > 0 && order.indexOf(stage) < order.indexOf(visits[i - 1]!.stage)).length

function isUnlearned({ metrics, tolerance }: Way, visits: readonly Visit[], stage: string): boolean {
  const now = visits.at(-1)?.earlier?.[stage]
  const best = bestOf(metrics[stage]!, visits, stage)
  if (now === undefined || best === undefined || !isBetter(metrics[stage]!, best, now)) return false
  return Math.abs(now - best) > tolerance * Math.abs(best)
}

/** The best value that a stage has reached. */
function bestOf(metric: string, visits: readonly Visit[], stage: string): number | undefined {
  const reached = visits.flatMap((visit) => (visit.stage === stage ? (visit.best_metric ?? []) : []))
  return reached.reduce<number | undefined>(
    (best, value) => (best === undefined || isBetter(metric, value, best) ? value : best),
    undefined,
  )
}
