/** @module */
import { signal, useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'

import type { Watched } from '../../src/serve/watched.ts'
import { Notice } from '../parts/notice.tsx'
import { Shell } from '../parts/shell.tsx'
import { followRun } from './followed_run.ts'
import { RunList } from './run_list.tsx'
import { spoken } from './run_name.ts'
import { RunView } from './run_view.tsx'
import { totalSteps } from './standing.ts'

/** Milliseconds until a sweep or a curriculum is asked for new runs. */
const LOOK = 4000

const watched = signal<Watched | undefined>(undefined)
const unreachable = signal(false)
const chosen = signal(nameInAddress())

function nameInAddress(): string {
  try {
    return decodeURIComponent(location.hash.slice(1))
  } catch {
    return ''
  }
}

async function look(): Promise<void> {
  try {
    const response = await fetch('watched.json')
    watched.value = (await response.json()) as Watched
    unreachable.value = false
  } catch {
    unreachable.value = true
  }
}

/** A run, with the others of its sweep or curriculum. */
export function WatchPage(): JSX.Element {
  useEffect(() => {
    const follow = () => (chosen.value = nameInAddress())
    addEventListener('hashchange', follow)
    void look()
    const timer = setInterval(() => {
      if (watched.value?.kind !== 'run') void look()
    }, LOOK)
    return () => {
      removeEventListener('hashchange', follow)
      clearInterval(timer)
    }
  }, [])
  const { name, kind, runs } = watched.value ?? { name: '', kind: 'run', runs: [] }
  const run =
    runs.find(({ name }) => name === chosen.value) ?? runs.find(({ running }) => running) ?? runs.at(-1)
  return (
    <Shell>
      {unreachable.value && watched.value === undefined && (
        <Notice kind="error" remedy={<>Start it again: {code('ortune watch <run>')}</>}>
          The server that tells of the run does not answer.
        </Notice>
      )}
      {kind !== 'run' && (
        <>
          <h1>{name}</h1>
          {runs.length === 0 && <Notice kind="info">This {kind} has begun no run yet.</Notice>}
        </>
      )}
      {kind !== 'run' && runs.length > 0 && <RunList kind={kind} runs={runs} shown={run?.name ?? ''} />}
      {run && <FollowedRunView key={run.name} name={run.name} alone={kind === 'run'} />}
    </Shell>
  )
}

export const code = (text: string): JSX.Element => <code>{text}</code>

function FollowedRunView({
  name,
  alone,
}: {
  readonly name: string
  readonly alone: boolean
}): JSX.Element | null {
  const run = useMemo(() => followRun(name), [name])
  useEffect(() => run.close, [run])
  // How far it is stands in the tab, for whoever is elsewhere meanwhile.
  useSignalEffect(() => {
    const { about, version, series } = run
    if (version.value < 0 || !about.value) return
    const total = totalSteps(about.value, series)
    const share =
      about.value.running && total !== undefined ? `${Math.floor((100 * series.step()) / total)} % · ` : ''
    document.title = `${share}${spoken(about.value.name)} · ortune`
  })
  return <RunView run={run} level={alone ? 'h1' : 'h2'} />
}
