/** How it learns, and how that goes. @module */
import type { JSX } from 'preact'

import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { startRun } from './learning.ts'
import { LiveRun } from './live_run.tsx'
import { NumberField } from './number_field.tsx'
import { Section } from './section.tsx'
import { examined, form, model, preparing, shown, training } from './state.ts'

export const LearnSection = (): JSX.Element => (
  <Section name="learn" title="Learn">
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault()
        void startRun()
      }}
    >
      <fieldset disabled={training.value !== undefined} class="stack">
        <legend class="unseen">How it learns</legend>
        <div class="fields">
          <NumberField label="Steps" value={form.steps} min={1} />
          <NumberField label="Examples a step" value={form.batch} min={1} />
          <NumberField label="Rank" value={form.rank} min={1} />
          <Field label="Learning rate">
            {(given) => (
              <input
                {...given}
                inputMode="decimal"
                placeholder="automatic"
                value={form.rate.value}
                onInput={({ currentTarget: { value } }) => (form.rate.value = value)}
              />
            )}
          </Field>
          <NumberField label="Seed" value={form.seed} min={0} />
          <Field label="Name">
            {(given) => (
              <input
                {...given}
                placeholder="automatic"
                maxLength={80}
                value={form.name.value}
                onInput={({ currentTarget: { value } }) => (form.name.value = value)}
              />
            )}
          </Field>
        </div>
        <More />
      </fieldset>
      <div class="row">
        <Button
          type="submit"
          look="main"
          disabled={preparing.value || training.value !== undefined || !model.value || !examined.value}
        >
          {preparing.value ? 'Preparing…' : 'Start learning'}
        </Button>
        {!examined.value && <span class="quiet small">{missing()}</span>}
      </div>
    </form>
    {shown.value !== undefined && <LiveRun />}
  </Section>
)

const missing = (): string => (model.value ? 'Take some examples first.' : 'Open a model first.')

const More = (): JSX.Element => (
  <details class="fold">
    <summary>More settings</summary>
    <Field
      label="Other keys of a configuration"
      hint="One a line, as in a YAML file; a dot leads inside: warmup_ratio: 0.1, lora.lora_alpha: 32, dpo.beta: 0.2"
    >
      {(given) => (
        <textarea
          {...given}
          class="code"
          rows={4}
          spellcheck={false}
          value={form.more.value}
          onInput={({ currentTarget: { value } }) => (form.more.value = value)}
        />
      )}
    </Field>
  </details>
)
