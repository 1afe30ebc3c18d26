/** What it learns from. @module */
import { useSignal } from '@preact/signals'
import type { ComponentChildren, ComponentType, JSX } from 'preact'

import { Button } from '../parts/button.tsx'
import { Late } from '../parts/late.tsx'
import { count } from '../parts/numbers.ts'
import { Stat, Stats } from '../parts/stat.tsx'
import { DropZone } from './drop_zone.tsx'
import { takeFiles, takeSample } from './examples.ts'
import { sentence } from './said.ts'
import { Section } from './section.tsx'
import { examined, examining, model, source, task, unread } from './state.ts'
import { TaskChoice } from './task_choice.tsx'
import { tasks } from './tasks.ts'
import { TokensView } from './tokens_view.tsx'

const paste = async () => (await import('./paste.tsx')).Paste
const rows = async () => (await import('./rows_table.tsx')).RowsTable
const rowForm = async () => (await import('./row_form.tsx')).RowForm

export const ExamplesSection = (): JSX.Element => (
  <Section name="examples" title="Examples">
    <TaskChoice />
    <div class="intake">
      <div class="row">
        <span class="quiet small">Try a sample:</span>
        {tasks[task.value].samples.map(({ file, label }) => (
          <Button key={file} onClick={() => void takeSample(file)}>
            {label}
          </Button>
        ))}
      </div>
      <DropZone
        label="Choose a file"
        accept=".csv,.tsv,.jsonl,.ndjson,.json,.parquet,.txt"
        take={(files) => void takeFiles(files)}
      >
        or drop one here: CSV, JSONL, JSON, Parquet, or plain lines (.txt). {tasks[task.value].takes}
      </DropZone>
      <Fold title="Paste some" load={paste} />
    </div>
    {examining.value && (
      <p class="quiet" role="status">
        Reading {source.value?.name}…
      </p>
    )}
    {source.value && !model.value && <p class="quiet">Open a model to see what it will see of them.</p>}
    {unread.value && (
      <>
        <h3 class="seen-title">How rows become examples</h3>
        <Late load={rowForm} />
      </>
    )}
    {examined.value && <Seen />}
  </Section>
)

/** A part that is loaded when its fold is opened. */
function Fold({ title, children, load }: FoldProps): JSX.Element {
  const open = useSignal(false)
  return (
    <details class="fold" onToggle={({ currentTarget }) => (open.value = currentTarget.open)}>
      <summary>{title}</summary>
      {children}
      {open.value && <Late load={load} />}
    </details>
  )
}

interface FoldProps {
  readonly title: string
  /** What is above it, at once. */
  readonly children?: ComponentChildren
  readonly load: () => Promise<ComponentType>
}

function Seen(): JSX.Element {
  const { train, validation, tokens, longest, classes, template, examples, notes } = examined.value!
  return (
    <div class="stack">
      <h3 class="seen-title">
        What the model will see of <em>{source.value?.name}</em>
      </h3>
      <Stats>
        <Stat label="To learn from" value={count(train)} note="examples" />
        <Stat label="To judge by" value={count(validation)} note="kept apart" />
        <Stat label="Tokens" value={count(tokens)} note={`the longest ${count(longest)}`} />
        {classes.length > 0 && (
          <Stat label="Classes" value={classes.length} note={classes.slice(0, 8).join(', ')} />
        )}
      </Stats>
      {notes.map((note) => (
        <p class="quiet small" key={note}>
          {sentence(note)}
        </p>
      ))}
      <TokensView examples={examples} />
      <Fold title="The first rows" load={rows} />
      <Fold title="How rows become examples" load={rowForm}>
        <pre class="code" tabIndex={0}>
          {JSON.stringify(template, null, 2)}
        </pre>
      </Fold>
    </div>
  )
}
