/** @module */
import type { Signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'

import { Field } from '../parts/field.tsx'

interface CodeEditorProps {
  readonly label: string
  readonly code: Signal<string>
}

/** A field for code, in which Tab indents; after Escape it leaves the field, as everywhere else. */
export function CodeEditor({ label, code }: CodeEditorProps): JSX.Element {
  const leaving = useRef(false)
  const press = (event: KeyboardEvent & { readonly currentTarget: HTMLTextAreaElement }) => {
    const { key, shiftKey, currentTarget } = event
    if (key === 'Tab' && !shiftKey && !leaving.current) {
      event.preventDefault()
      const { selectionStart, selectionEnd } = currentTarget
      currentTarget.setRangeText('  ', selectionStart, selectionEnd, 'end')
      code.value = currentTarget.value
    }
    leaving.current = key === 'Escape'
  }
  return (
    <Field label={label} hint="Tab indents; Escape, then Tab leaves the field.">
      {(given) => (
        <textarea
          {...given}
          class="code"
          rows={9}
          spellcheck={false}
          autocapitalize="off"
          value={code.value}
          onInput={({ currentTarget: { value } }) => (code.value = value)}
          onKeyDown={press}
        />
      )}
    </Field>
  )
}
