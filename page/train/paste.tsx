/** @module */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'

import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { takeText } from './examples.ts'

/** Where examples are pasted or written. */
export function Paste(): JSX.Element {
  const text = useSignal('')
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault()
        void takeText(text.value)
      }}
    >
      <Field
        label="Examples"
        hint="A table with a heading, JSON, or plain text, of which each line is an example."
      >
        {(given) => (
          <textarea
            {...given}
            rows={5}
            spellcheck={false}
            value={text.value}
            onInput={({ currentTarget: { value } }) => (text.value = value)}
          />
        )}
      </Field>
      <div class="row">
        <Button type="submit">Take these</Button>
      </div>
    </form>
  )
}
