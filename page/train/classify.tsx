/** Which class a text is of, as a run or an adapter has learned it. @module */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'

import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { attempt } from './said.ts'
import { namesClasses } from './tasks.ts'
import { classifiers } from './classifiers.ts'
import { classifier, task } from './state.ts'
import { Suggestions } from './suggestions.tsx'
import { trainedKey, trainedOf, TrainedOptions } from './trained_options.tsx'
import { workshop } from './workshop.ts'
import type { Trained } from '../worker/workshop.ts'

const text = signal('a light in a transparent protective case')
const classes = signal<readonly { readonly name: string; readonly probability: number }[]>([])
const busy = signal(false)

const classify = (by: Trained): Promise<boolean> =>
  attempt('compare', async () => {
    busy.value = true
    try {
      classes.value = await workshop.classify(by, text.value)
    } finally {
      busy.value = false
    }
  })

export function Classify(): JSX.Element | null {
  const { value: able } = classifiers
  const all = [...named('adapter', able.adapters), ...named('run', able.runs)]
  const chosen = classifier.value && trainedKey(classifier.value)
  const by = all.find((one) => trainedKey(one) === chosen) ?? all.at(-1)
  if (!by) return null
  return (
    <form
      class="stack classify"
      onSubmit={(event) => {
        event.preventDefault()
        void classify(by)
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
        <Field label="By">
          {(given) => (
            <select
              {...given}
              value={trainedKey(by)}
              onChange={({ currentTarget: { value } }) => {
                classifier.value = trainedOf(value)
                // What another said is not what this one says.
                classes.value = []
              }}
            >
              <TrainedOptions {...able} />
            </select>
          )}
        </Field>
      </div>
      {namesClasses(task.value) && <Suggestions take={(one) => (text.value = one)} />}
      <div class="row">
        <Button type="submit" disabled={busy.value || text.value === ''}>
          Classify
        </Button>
        {busy.value && <span class="quiet small">thinking…</span>}
      </div>
      <Bars />
    </form>
  )
}

const named = (kind: Trained['kind'], entries: readonly { readonly name: string }[]): Trained[] =>
  entries.map(({ name }) => ({ kind, name }))

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
