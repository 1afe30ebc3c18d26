/** What this is, and what it computes with. @module */
import type { JSX } from 'preact'

import { bytes } from './bytes.ts'
import { sentence } from './said.ts'
import { SaidNotice } from './said_notice.tsx'
import { facility, room } from './state.ts'

const PROVIDERS = { wasm: 'WebAssembly', webgpu: 'WebGPU' } as const

export const Hero = (): JSX.Element => (
  <header class="hero">
    <h1>Teach a small language model something</h1>
    <p class="lead">
      It learns, writes and is kept in this tab. There is no server; your texts never leave it.
    </p>
    <FacilityLine />
    <SaidNotice of="page" />
  </header>
)

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
