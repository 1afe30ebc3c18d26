/** @module */
import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'

/** What the control inside a field must be given, so that its label, hint and error are read with it. */
export interface FieldControl {
  readonly id: string
  readonly 'aria-describedby'?: string
  readonly 'aria-invalid'?: true
}

interface FieldProps {
  readonly label: string
  readonly hint?: ComponentChildren
  /** One sentence: what is wrong, and what to do instead. */
  readonly error?: string
  /** The control: `(given) => <input {...given} />`. */
  readonly children: (given: FieldControl) => ComponentChildren
}

/** A labelled control. */
export function Field({ label, hint, error, children }: FieldProps): JSX.Element {
  const id = useId()
  const described = [hint !== undefined && `${id}-hint`, error !== undefined && `${id}-error`].filter(Boolean)
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        ...(described.length > 0 ? { 'aria-describedby': described.join(' ') } : {}),
        ...(error === undefined ? {} : { 'aria-invalid': true }),
      })}
      {hint !== undefined && (
        <div class="field-hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {error !== undefined && (
        <div class="field-error" id={`${id}-error`} role="alert">
          {error}
        </div>
      )}
    </div>
  )
}
