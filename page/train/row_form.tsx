/** How a row becomes an example, to be said by a person. @module */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'

import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import type { RowParts } from '../worker/workshop.ts'
import { retell } from './examples.ts'
import { fieldsOf, isOfFields, parts, templateToEdit, withFields } from './row_template.ts'
import { examined, examining, source, task, template, training } from './state.ts'
import { workshop } from './workshop.ts'

export function RowForm(): JSX.Element | null {
  const given = useSignal<RowParts | undefined>(undefined)
  const { value: of } = source
  useEffect(() => {
    given.value = undefined
    // Of what cannot be read there is nothing to say; why is said already.
    if (of)
      void workshop.rowParts(of, task.value).then(
        (found) => of === source.value && (given.value = found),
        () => undefined,
      )
  }, [of])
  if (!given.value) return null
  const known = template.value ?? examined.value?.template ?? given.value.template
  const begun = templateToEdit(task.value, known, given.value.columns)
  return isOfFields(begun) ? <Fields begun={begun} columns={given.value.columns} /> : null
}

interface FieldsProps {
  readonly begun: Readonly<Record<string, unknown>>
  readonly columns: readonly string[]
}

function Fields({ begun, columns }: FieldsProps): JSX.Element {
  const filled = useSignal<Readonly<Record<string, string>>>(fieldsOf(task.value, begun))
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault()
        void retell(withFields(task.value, begun, filled.value))
      }}
    >
      <p class="quiet small">
        The columns are <span class="code">{columns.join(' ')}</span>; what stands around them is written as
        it is. <span class="code">{'<|endoftext|>'}</span> is where a text ends.
      </p>
      {parts[task.value].map(({ key, label }) => (
        <Field key={key} label={label}>
          {(control) => (
            <textarea
              {...control}
              class="code"
              rows={2}
              spellcheck={false}
              value={filled.value[key]}
              onInput={({ currentTarget: { value } }) => (filled.value = { ...filled.value, [key]: value })}
            />
          )}
        </Field>
      ))}
      <div class="row">
        <Button type="submit" disabled={examining.value || training.value !== undefined}>
          Make examples so
        </Button>
      </div>
    </form>
  )
}
