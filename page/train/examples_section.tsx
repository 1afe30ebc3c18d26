/** What it learns from. @module */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'

import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { Late } from '../parts/late.tsx'
import { count } from '../parts/numbers.ts'
import { Stat, Stats } from '../parts/stat.tsx'
import { DropZone } from './drop_zone.tsx'
import { takeFiles, takeSample, takeText } from './examples.ts'
import { sentence } from './said.ts'
import { Section } from './section.tsx'
import { examined, examining, model, source, task, unread } from './state.ts'
import { RowsTable } from './rows_table.tsx'
import { TaskChoice } from './task_choice.tsx'
import { tasks } from './tasks.ts'
import { TokensView } from './tokens_view.tsx'

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
      <Paste />
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

function Paste(): JSX.Element {
  const text = useSignal('')
  return (
    <details class="fold">
      <summary>Paste some</summary>
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
    </details>
  )
}

function Seen(): JSX.Element {
  const { train, validation, tokens, longest, classes, template, columns, sample, examples, notes } =
    examined.value!
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
      <details class="fold">
        <summary>The first rows</summary>
        <RowsTable columns={columns} rows={sample} />
      </details>
      <HowRows template={template} />
    </div>
  )
}

function HowRows({ template }: { readonly template: object }): JSX.Element {
  const open = useSignal(false)
  return (
    <details class="fold" onToggle={({ currentTarget }) => (open.value = currentTarget.open)}>
      <summary>How rows become examples</summary>
      <div class="stack">
        <pre class="code" tabIndex={0}>
          {JSON.stringify(template, null, 2)}
        </pre>
        {open.value && <Late load={rowForm} />}
      </div>
    </details>
  )
}
