/** What the browser keeps for this page: runs and adapters. @module */
import type { JSX } from 'preact'

import { Button } from '../parts/button.tsx'
import { count } from '../parts/numbers.ts'
import { downloadAdapter, downloadMerged, importAdapter, keepRun, removeAdapter } from './adapters.ts'
import { bytes } from './bytes.ts'
import { DamagedItem } from './damaged_item.tsx'
import { DropZone } from './drop_zone.tsx'
import { jumpTo } from './jump_to.ts'
import { removeRun, resumeRun, showRun } from './learning.ts'
import { Removal } from './removal.tsx'
import { Section } from './section.tsx'
import { after, classifier, keptAdapters, keptRuns, model, training } from './state.ts'
import type { AdapterEntry, RunEntry } from '../worker/workshop.ts'

export const KeptSection = (): JSX.Element => (
  <Section name="kept" title="Kept in this browser">
    <h3>Runs</h3>
    {keptRuns.value.length === 0 && (
      <p class="quiet">None yet. A run that is paused or reloaded goes on from here.</p>
    )}
    <ul class="list" aria-label="Runs">
      {keptRuns.value.map((run) =>
        'damaged' in run ? (
          <DamagedItem key={run.name} what="run" remove={removeRun} {...run} />
        ) : (
          <Run key={run.name} {...run} />
        ),
      )}
    </ul>
    <h3>Adapters</h3>
    {keptAdapters.value.length === 0 && (
      <p class="quiet">None yet. Keep what a run has learned, and swap it over the model in an instant.</p>
    )}
    <ul class="list" aria-label="Adapters">
      {keptAdapters.value.map((adapter) =>
        'damaged' in adapter ? (
          <DamagedItem key={adapter.name} what="adapter" remove={removeAdapter} {...adapter} />
        ) : (
          <Adapter key={adapter.name} {...adapter} />
        ),
      )}
    </ul>
    <DropZone label="Import an adapter" folder multiple take={(files) => void importAdapter(files)}>
      or drop PEFT's two files here, adapter_config.json and adapter_model.safetensors, or a zip of them.
    </DropZone>
  </Section>
)

function Run(run: RunEntry): JSX.Element {
  const { name, task, step, steps, state } = run
  const busy = training.value !== undefined
  const learning = training.value === name
  return (
    <li class="list-item">
      <div class="list-words">
        <strong>{name}</strong>
        <span class="quiet small">
          {task} · {learning ? 'learning' : `step ${count(step)} of ${count(steps)} · ${state}`}
        </span>
      </div>
      <div class="list-actions">
        <Button
          look="plain"
          onClick={() => {
            jumpTo('learn')
            void showRun(name)
          }}
        >
          Curves<span class="unseen"> of {name}</span>
        </Button>
        {state !== 'finished' && (
          <Button
            disabled={busy}
            onClick={() => {
              jumpTo('learn')
              void resumeRun(name)
            }}
          >
            {step > 0 ? 'Resume' : 'Start'}
            <span class="unseen"> {name}</span>
          </Button>
        )}
        {step > 0 && (
          <Button disabled={learning} onClick={() => void keepRun(name)}>
            Keep<span class="unseen"> what {name} has learned as an adapter</span>
          </Button>
        )}
        <Removal what={`the run ${name}`} disabled={learning} remove={() => void removeRun(name)} />
      </div>
    </li>
  )
}

function Adapter({ name, model: of, rank, modules, bytes: size, head, classes }: AdapterEntry): JSX.Element {
  const used = after.value?.kind === 'adapter' && after.value.name === name
  const foreign = of !== null && model.value !== undefined && of !== model.value.id && of !== model.value.name
  return (
    <li class="list-item">
      <div class="list-words">
        <strong>{name}</strong>
        <span class="quiet small">
          rank {rank} · {modules.join(', ')} · {bytes(size)}
          {foreign ? ` · of ${of}` : ''}
        </span>
      </div>
      <div class="list-actions">
        {classes.length > 0 && (
          <Button
            onClick={() => {
              classifier.value = { kind: 'adapter', name }
              jumpTo('compare')
            }}
          >
            Use<span class="unseen"> {name} to classify</span>
          </Button>
        )}
        {!head && (
          <Button
            aria-pressed={used}
            onClick={() => (after.value = used ? undefined : { kind: 'adapter', name })}
          >
            Use<span class="unseen"> {name} in the comparison</span>
          </Button>
        )}
        <Button look="plain" onClick={() => void downloadAdapter(name)}>
          Download<span class="unseen"> {name}</span>
        </Button>
        <Button look="plain" disabled={!model.value} onClick={() => void downloadMerged(name)}>
          Merged<span class="unseen"> model of {name}</span>
        </Button>
        <Removal what={`the adapter ${name}`} remove={() => void removeAdapter(name)} />
      </div>
    </li>
  )
}
