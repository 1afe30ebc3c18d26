/** @module */
import type { Signal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'

import { Field } from '../parts/field.tsx'

interface NumberFieldProps {
  readonly label: string
  readonly value: Signal<number>
  readonly min?: number
  readonly max?: number
  readonly step?: number
  readonly hint?: ComponentChildren
}

/** A labelled number that a signal keeps; what is no number leaves it as it was. */
export const NumberField = ({ label, value, hint, ...limits }: NumberFieldProps): JSX.Element => (
  <Field label={label} {...(hint === undefined ? {} : { hint })}>
    {(given) => (
      <input
        {...given}
        {...limits}
        type="number"
        value={value.value}
        onInput={({ currentTarget: { valueAsNumber } }) => {
          if (Number.isFinite(valueAsNumber)) value.value = valueAsNumber
        }}
      />
    )}
  </Field>
)
