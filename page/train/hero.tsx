/** What this is, and what it computes with. @module */
import type { JSX } from 'preact'

import { Button } from '../parts/button.tsx'
import { bytes } from './bytes.ts'
import { demonstrate } from './demonstrate.ts'
import { sentence } from './said.ts'
import { SaidNotice } from './said_notice.tsx'
import { facility, model, room, runs, source } from './state.ts'

const PROVIDERS = { wasm: 'WebAssembly', webgpu: 'WebGPU' } as const

export const Hero = (): JSX.Element => (
  <header class="hero">
    <h1>Teach a small language model something</h1>
    <p class="lead">
      It learns, writes and is kept in this tab. There is no server; your texts never leave it.
    </p>
    <FacilityLine />
    <Demo />
    <SaidNotice of="page" />
  </header>
)

/** For who has nothing here yet: the whole way, at one press. */
function Demo(): JSX.Element | null {
  if (!model.value?.writes || source.value || runs.value.length > 0) return null
  return (
    <div class="row">
      <Button look="main" onClick={() => void demonstrate()}>
        Show me
      </Button>
      <span class="quiet small">It learns to explain words in a form of its own, in a minute or so.</span>
    </div>
  )
}

function FacilityLine(): JSX.Element {
  const { value } = facility
  if (!value) return <p class="facility quiet small">Looking at what this browser has…</p>
  const { provider, threads, keeps, notes } = value
  const { used, of } = room.value ?? value.room
  const words = [
    PROVIDERS[provider],
    ...(provider === 'wasm' ? [threads === 1 ? '1 thread' : `${threads} threads`] : []),
    keeps ? `${bytes(used)}${of === undefined ? '' : ` of ${bytes(of)}`} stored` : 'nothing is kept',
  ]
  return (
    <div class="facility small">
      <ul class="facts" aria-label="What the model computes with">
        {words.map((word) => (
          <li key={word}>{word}</li>
        ))}
      </ul>
      {notes.map((note) => (
        <p class="quiet" key={note}>
          {sentence(note)}
        </p>
      ))}
    </div>
  )
}
