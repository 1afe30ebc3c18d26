/** @module */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'

import { Button } from '../parts/button.tsx'

interface RemovalProps {
  /** What is taken away, for those who listen. */
  readonly what: string
  readonly disabled?: boolean
  readonly remove: () => void
}

/** Takes something away when it is pressed twice; what leaves it alone makes it forget the first time. */
export function Removal({ what, disabled, remove }: RemovalProps): JSX.Element {
  const asked = useSignal(false)
  return (
    <Button
      look={asked.value ? 'danger' : 'plain'}
      disabled={disabled}
      onBlur={() => (asked.value = false)}
      onClick={() => {
        if (asked.value) remove()
        asked.value = !asked.value
      }}
    >
      {asked.value ? 'Really remove' : 'Remove'}
      <span class="unseen"> {what}</span>
    </Button>
  )
}
