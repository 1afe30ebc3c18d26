/** Where one is, and how far each part has come. @module */
import type { JSX } from 'preact'

import { count } from '../parts/numbers.ts'
import {
  adapters,
  after,
  examined,
  model,
  opening,
  records,
  runs,
  shownRun,
  task,
  training,
} from './state.ts'
import { tasks } from './tasks.ts'

export const Rail = (): JSX.Element => (
  <nav class="rail" aria-label="Parts of this page">
    <ol>
      <Stop to="model" name="Model" state={modelState()} done={model.value !== undefined} />
      <Stop to="examples" name="Examples" state={examplesState()} done={examined.value !== undefined} />
      <Stop to="learn" name="Learn" state={learnState()} done={shownRun.value?.state === 'finished'} />
      <Stop to="compare" name="Compare" state={after.value ? 'before and after' : ''} done={false} />
      <Stop to="kept" name="Kept here" state={keptState()} done={false} />
    </ol>
  </nav>
)

interface StopProps {
  readonly to: string
  readonly name: string
  readonly state: string
  readonly done: boolean
}

const Stop = ({ to, name, state, done }: StopProps): JSX.Element => (
  <li data-done={done}>
    <a href={`#${to}`}>
      {name}
      <span class="rail-state">{state}</span>
    </a>
  </li>
)

function modelState(): string {
  if (opening.value) return `${Math.round((100 * opening.value.done) / opening.value.of)} %`
  return model.value?.name ?? 'none yet'
}

const examplesState = (): string =>
  examined.value ? `${count(examined.value.rows)} rows` : tasks[task.value].label.toLowerCase()

function learnState(): string {
  const { value: run } = shownRun
  if (!run) return ''
  const step = training.value === run.name ? (records.value.at(-1)?.step ?? run.step) : run.step
  return `step ${count(step)} of ${count(run.steps)}`
}

function keptState(): string {
  const [r, a] = [runs.value.length, adapters.value.length]
  return r + a === 0 ? '' : `${r} ${r === 1 ? 'run' : 'runs'}, ${a} ${a === 1 ? 'adapter' : 'adapters'}`
}
