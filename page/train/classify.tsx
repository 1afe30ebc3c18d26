/** Which class a text is of, as a run has learned it. @module */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'

import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { attempt } from './said.ts'
import { namesClasses } from './tasks.ts'
import { runs } from './state.ts'
import { workshop } from './workshop.ts'

const text = signal('a light in a transparent protective case')
const chosen = signal<string | undefined>(undefined)
const classes = signal<readonly { readonly name: string; readonly probability: number }[]>([])
const busy = signal(false)

const classify = (run: string): Promise<boolean> =>
  attempt('compare', async () => {
    busy.value = true
    try {
      classes.value = await workshop.classify(run, text.value)
    } finally {
      busy.value = false
    }
  })

export function Classify(): JSX.Element | null {
  const able = runs.value.filter(({ task, step }) => namesClasses(task) && step > 0)
  const run = able.find(({ name }) => name === chosen.value) ?? able.at(-1)
  if (!run) return null
  return (
    <form
      class="stack classify"
      onSubmit={(event) => {
        event.preventDefault()
        void classify(run.name)
      }}
    >
      <h3>Which class?</h3>
      <div class="fields wide">
        <Field label="Text">
          {(given) => (
            <input
              {...given}
              value={text.value}
              onInput={({ currentTarget: { value } }) => (text.value = value)}
            />
          )}
        </Field>
        <Field label="Run">
          {(given) => (
            <select
              {...given}
              value={run.name}
              onChange={({ currentTarget: { value } }) => (chosen.value = value)}
            >
              {able.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <div class="row">
        <Button type="submit" disabled={busy.value || text.value === ''}>
          Classify
        </Button>
      </div>
      <Bars />
    </form>
  )
}

const percent = (probability: number): string => `${(100 * probability).toFixed(1)} %`

const Bars = (): JSX.Element => (
  <dl class="bars" aria-live="polite">
    {[...classes.value]
      .sort((a, b) => b.probability - a.probability)
      .map(({ name, probability }) => (
        <div class="bar" key={name}>
          <dt>{name}</dt>
          <dd>
            <span class="bar-fill" style={{ inlineSize: `calc(${probability} * (100% - 4rem))` }} />
            <span class="bar-value">{percent(probability)}</span>
          </dd>
        </div>
      ))}
  </dl>
)
