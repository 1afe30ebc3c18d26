/** Before and after, side by side. @module */
import type { JSX } from 'preact'

import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Late } from '../parts/late.tsx'
import { Answer } from './answer.tsx'
import { classifiers } from './classifiers.ts'
import { NumberField } from './number_field.tsx'
import { Section } from './section.tsx'
import { adapters, after, model, runs, task } from './state.ts'
import { Suggestions } from './suggestions.tsx'
import { namesClasses, PAGE_TASKS, tasks } from './tasks.ts'
import { trainedKey, trainedOf, TrainedOptions } from './trained_options.tsx'
import { columns, compare, options, prompt, stop, writing } from './writing.ts'

export const CompareSection = (): JSX.Element => (
  <Section name="compare" title="Compare">
    {namesClasses(task.value) && <WhichClass />}
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault()
        void compare()
      }}
    >
      <Field label="Prompt" hint="Ctrl + Enter writes.">
        {(given) => (
          <textarea
            {...given}
            rows={2}
            value={prompt.value}
            onInput={({ currentTarget: { value } }) => (prompt.value = value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
              event.preventDefault()
              if (!writing.value) void compare()
            }}
          />
        )}
      </Field>
      {!namesClasses(task.value) && <Suggestions take={(text) => (prompt.value = text)} />}
      <div class="fields">
        <NumberField label="Temperature" value={options.temperature} min={0} max={5} step={0.1} />
        <NumberField label="Tokens at most" value={options.length} min={1} />
        <NumberField label="Seed" value={options.seed} min={0} />
      </div>
      <div class="row">
        <Button type="submit" look="main" disabled={!model.value?.writes || writing.value}>
          Write
        </Button>
        {writing.value && <Button onClick={() => void stop()}>Stop</Button>}
      </div>
      <div class="columns">
        <Answer title="Before" note={model.value?.name ?? ''} column={columns.before.value} />
        <Answer title="After" note={<Writers />} column={columns.after.value} swap />
      </div>
    </form>
    {!namesClasses(task.value) && <WhichClass />}
  </Section>
)

const classify = async () => (await import('./classify.tsx')).Classify

const WhichClass = (): JSX.Element | null =>
  classifiers.value.runs.length + classifiers.value.adapters.length > 0 ? <Late load={classify} /> : null

/** Who writes after: a run as far as it is, or an adapter that is kept. */
function Writers(): JSX.Element {
  const written = runs.value.filter(
    ({ step, task }) =>
      step > 0 && (PAGE_TASKS.find((name) => name === task) ? tasks[task as 'sft'].writes : true),
  )
  const usable = adapters.value.filter(({ head }) => !head)
  if (written.length + usable.length === 0)
    return <span>Train a run or import an adapter to see what changes.</span>
  return (
    <select
      aria-label="Who writes after"
      value={after.value ? trainedKey(after.value) : ''}
      onChange={({ currentTarget: { value } }) => {
        after.value = trainedOf(value)
        // Swapped at once, as it was asked for.
        if (columns.before.value && !writing.value) void compare()
      }}
    >
      <option value="">choose one</option>
      <TrainedOptions runs={written} adapters={usable} />
    </select>
  )
}
