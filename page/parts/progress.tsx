/** @module */
import type { JSX } from 'preact'

import { count, duration } from './numbers.ts'

interface ProgressProps {
  readonly label: string
  readonly done: number
  readonly of: number
  /** What is counted, such as `step`. */
  readonly unit?: string
  /** Of them per second, where it goes on. */
  readonly perSecond?: number
  /** Beside the time that is left, such as `1,200 tok/s`. */
  readonly note?: string
}

/** How far something is, how fast it goes, and how long it takes yet. */
export function Progress({ label, done, of, unit = 'step', perSecond, note }: ProgressProps): JSX.Element {
  const left = perSecond === undefined || done >= of ? undefined : (of - done) / perSecond
  const words = [
    perSecond === undefined ? undefined : speed(perSecond, unit),
    note,
    left === undefined ? undefined : `${duration(left)} left`,
  ].filter((part) => part !== undefined)
  return (
    <div class="progress">
      <div class="progress-words">
        <span>
          {unit} {count(done)} <span class="quiet">of {count(of)}</span>
        </span>
        <span class="quiet">{words.join(' · ')}</span>
      </div>
      <progress aria-label={label} value={done} max={Math.max(of, 1)} />
    </div>
  )
}

/** `2.4 steps/s`, and of slow ones `3.1 s/step`. */
const speed = (perSecond: number, unit: string): string =>
  perSecond >= 1
    ? `${perSecond.toFixed(perSecond < 10 ? 1 : 0)} ${unit}s/s`
    : `${(1 / perSecond).toFixed(1)} s/${unit}`
