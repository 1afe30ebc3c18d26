/** Which model learns. @module */
import type { JSX } from 'preact'

import { Button } from '../parts/button.tsx'
import { count } from '../parts/numbers.ts'
import { Stat, Stats } from '../parts/stat.tsx'
import { bytes } from './bytes.ts'
import { DropZone } from './drop_zone.tsx'
import { folderOf } from './dropped_files.ts'
import { addModel, openModel, removeModel } from './models.ts'
import { Removal } from './removal.tsx'
import { Section } from './section.tsx'
import { facility, model, models, opening, training } from './state.ts'
import type { ModelEntry } from '../worker/workshop.ts'

export const ModelSection = (): JSX.Element => (
  <Section name="model" title="Model">
    {model.value && <Facts />}
    {opening.value && <Opening />}
    <ul class="list" aria-label="Models">
      {models.value.map((entry) => (
        <Entry key={entry.id} {...entry} />
      ))}
    </ul>
    <DropZone
      label="Choose a folder"
      folder
      multiple
      take={(files) => files.length > 0 && void addModel(folderOf(files) ?? 'my model', files)}
    >
      or drop one here: config.json, tokenizer.json and model.safetensors.
    </DropZone>
  </Section>
)

function Facts(): JSX.Element {
  const { family, parameters, layers, width, context, vocabulary } = model.value!
  return (
    <Stats>
      <Stat label="Family" value={family} />
      <Stat label="Parameters" value={short(parameters)} />
      <Stat label="Layers" value={layers} note={`of width ${count(width)}`} />
      <Stat label="Reads" value={count(context)} note={`tokens, of ${count(vocabulary)}`} />
    </Stats>
  )
}

const short = (n: number): string =>
  new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(n)

function Opening(): JSX.Element {
  const { name, done, of } = opening.value!
  return (
    <div class="progress">
      <div class="progress-words">
        <span>Opening {name}</span>
        <span class="quiet">{of > 1 ? `${bytes(done)} of ${bytes(of)}` : ''}</span>
      </div>
      <progress aria-label={`Opening ${name}`} {...(of > 1 ? { value: done, max: of } : {})} />
    </div>
  )
}

function Entry({ id, name, kept, bytes: size }: ModelEntry): JSX.Element {
  const open = model.value?.id === id
  const busy = opening.value !== undefined || training.value !== undefined || !facility.value
  return (
    <li class="list-item">
      <div class="list-words">
        <strong>{name}</strong>
        <span class="quiet small">
          {[kept ? 'kept in this browser' : 'comes with the page', size === undefined ? '' : bytes(size)]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </div>
      {open ? (
        <span class="badge">open</span>
      ) : (
        <Button look={model.value ? undefined : 'main'} disabled={busy} onClick={() => void openModel(id)}>
          Open<span class="unseen"> {name}</span>
        </Button>
      )}
      {kept && <Removal what={`the model ${name}`} disabled={busy} remove={() => void removeModel(id)} />}
    </li>
  )
}
