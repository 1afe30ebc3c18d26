/** The run that is shown: how far it is, and its curves. @module */
import { computed } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

import type { TabLogRecord } from '../../src/web.ts'
import { Button } from '../parts/button.tsx'
import type { Curve } from '../parts/curves/curve.ts'
import { Curves } from '../parts/curves/curves.tsx'
import { count } from '../parts/numbers.ts'
import { Progress } from '../parts/progress.tsx'
import { pauseRun, resumeRun } from './learning.ts'
import { ScoredList } from './scored_list.tsx'
import { notes, pace, pausing, plan, records, scored, shown, shownRun, training } from './state.ts'
import type { Panel } from './tasks.ts'
import { PAGE_TASKS, tasks } from './tasks.ts'

/** Of a run that is not under way that of its checkpoint, from which it goes on. */
const step = computed(() =>
  plan.value && training.value === shown.value
    ? (records.value.at(-1)?.step ?? 0)
    : (shownRun.value?.step ?? 0),
)
/** Steps that were logged and have no checkpoint. */
const lost = computed(() =>
  training.value === undefined ? (records.value.at(-1)?.step ?? 0) - step.value : 0,
)

const panels = computed(() => {
  const named = PAGE_TASKS.find((name) => name === shownRun.value?.task) ?? 'sft'
  return tasks[named].panels.map((panel) => ({ panel, curves: curvesOf(panel, records.value) }))
})

export const LiveRun = (): JSX.Element => (
  <div class="stack live">
    <div class="live-head">
      <h3>{shown.value}</h3>
      <Controls />
    </div>
    <Progress
      label={`Steps of ${shown.value}`}
      done={step.value}
      of={plan.value?.totalSteps ?? shownRun.value?.steps ?? step.value}
      {...(pace.value && training.value === shown.value
        ? { perSecond: pace.value.steps, note: `${count(pace.value.tokens)} tokens/s` }
        : {})}
    />
    {lost.value > 0 && (
      <p class="quiet small">
        The {lost.value === 1 ? 'step' : `${count(lost.value)} steps`} after its checkpoint will be taken
        again.
      </p>
    )}
    {notes.value.map((note) => (
      <p class="quiet small" key={note}>
        {note}
      </p>
    ))}
    <div class="panels">
      {panels.value.map(({ panel, curves }) => (
        <Curves key={panel.title} title={panel.title} x="step" curves={curves} />
      ))}
    </div>
    {scored.value.length > 0 && <ScoredList title="Responses, as they are scored" scored={scored.value} />}
  </div>
)

function Controls(): JSX.Element {
  const place = useRef<HTMLSpanElement>(null)
  const learning = training.value === shown.value
  // A button that was pressed and is gone takes the keyboard with it, unless the one that comes in its place has it.
  useEffect(() => {
    if (document.activeElement === document.body)
      place.current?.querySelector('button')?.focus({ preventScroll: true })
  }, [learning])
  return <span ref={place}>{learning ? <Pause /> : <GoOn />}</span>
}

const Pause = (): JSX.Element => (
  <Button aria-disabled={pausing.value} onClick={() => pausing.value || void pauseRun()}>
    {pausing.value ? 'Pausing after this step…' : 'Pause'}
  </Button>
)

function GoOn(): JSX.Element | null {
  const { value: run } = shownRun
  if (!run || run.state === 'finished' || training.value !== undefined) return null
  return (
    <Button look="main" onClick={() => void resumeRun(run.name)}>
      {run.step > 0 ? 'Resume' : 'Start'}
    </Button>
  )
}

function curvesOf({ curves }: Panel, records: readonly TabLogRecord[]): Curve[] {
  return Object.entries(curves).map(([name, key]) => ({
    name,
    marked: key.startsWith('eval_'),
    points: records.flatMap((record) => {
      const y = (record as Readonly<Record<string, unknown>>)[key]
      return typeof y === 'number' && Number.isFinite(y) ? [{ x: record.step, y }] : []
    }),
  }))
}
