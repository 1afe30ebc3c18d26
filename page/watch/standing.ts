/** Where a run stands. @module */
import type { RunAbout } from '../../src/serve/about.ts'
import type { Series } from './series.ts'

export type Standing = 'running' | 'finished' | 'ended early' | 'stopped' | 'not begun'

/** Steps of the whole run: as many as were asked for, or as the epochs have. */
export function totalSteps({ maxSteps, epochs }: RunAbout, series: Series): number | undefined {
  const perEpoch = series.perEpoch()
  return maxSteps ?? (perEpoch === undefined ? undefined : Math.max(1, Math.ceil(perEpoch * epochs)))
}

export function standingOf(about: RunAbout, series: Series): Standing {
  if (about.running) return 'running'
  const total = totalSteps(about, series)
  const step = Math.max(series.step(), about.checkpoints.last?.step ?? 0)
  if (step === 0) return 'not begun'
  if (total !== undefined && step >= total) return 'finished'
  return about.checkpoints.stoppedEarly ? 'ended early' : 'stopped'
}
