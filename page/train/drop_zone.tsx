/** @module */
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useRef } from 'preact/hooks'

import { Button } from '../parts/button.tsx'
import { droppedFiles } from './dropped_files.ts'

interface DropZoneProps {
  /** On the button. */
  readonly label: string
  /** What may be dropped, beside it. */
  readonly children: ComponentChildren
  /** Whether a whole folder is chosen. */
  readonly folder?: boolean
  readonly multiple?: boolean
  readonly accept?: string
  readonly take: (files: readonly File[]) => void
}

/** A place to drop files on, with a button that opens the system's own choice of files. */
export function DropZone({ label, children, folder, multiple, accept, take }: DropZoneProps): JSX.Element {
  const over = useSignal(false)
  const input = useRef<HTMLInputElement>(null)
  const hover = (event: DragEvent, is: boolean) => {
    event.preventDefault()
    over.value = is
  }
  return (
    <div
      class="drop-zone"
      data-over={over.value}
      onDragOver={(event) => hover(event, true)}
      onDragLeave={(event) => hover(event, false)}
      onDrop={(event) => {
        hover(event, false)
        if (event.dataTransfer) void droppedFiles(event.dataTransfer).then(take)
      }}
    >
      <input
        ref={input}
        type="file"
        hidden
        aria-hidden="true"
        multiple={multiple}
        accept={accept}
        {...(folder ? { webkitdirectory: true } : {})}
        onChange={({ currentTarget }) => {
          take([...(currentTarget.files ?? [])])
          // So that the same file can be chosen once more.
          currentTarget.value = ''
        }}
      />
      <Button onClick={() => input.current?.click()}>{label}</Button>
      <span class="quiet small">{children}</span>
    </div>
  )
}
