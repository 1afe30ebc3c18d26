/** A run as the server tells of it. @module */
import { signal } from '@preact/signals'
import type { Signal } from '@preact/signals'

import type { RunAbout } from '../../src/serve/about.ts'
import { createPace } from './pace.ts'
import type { Pace } from './pace.ts'
import { createSeries } from './series.ts'
import type { LogLine, Series } from './series.ts'

export interface FollowedRun {
  readonly about: Signal<RunAbout | undefined>
  readonly series: Series
  readonly steps: Pace
  readonly tokens: Pace
  /** Another number whenever there is more to draw, at most once a frame. */
  readonly version: Signal<number>
  /** Whether all that there is was told. */
  readonly live: Signal<boolean>
  readonly connected: Signal<boolean>
  /** What of the run is missing, in a sentence. */
  readonly trouble: Signal<string>
  readonly close: () => void
}

/** Milliseconds until a server that refused is asked again; a connection that breaks is the browser's to mend. */
const AGAIN = 3000

/** @param name of its folder */
export function followRun(name: string): FollowedRun {
  const about = signal<RunAbout | undefined>(undefined)
  const [version, live, connected] = [signal(0), signal(false), signal(true)]
  const trouble = signal('')
  const [series, steps, tokens] = [createSeries(), createPace(), createPace()]
  let frame = 0
  const draw = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0
      version.value++
    })
  }
  let closed = false
  let source: EventSource
  let waiting: ReturnType<typeof setTimeout> | undefined
  let place = ''

  const connect = () => {
    const after = place === '' ? '' : `?after=${encodeURIComponent(place)}`
    source = new EventSource(`runs/${encodeURIComponent(name)}/events${after}`)
    const on = (event: string, take: (data: unknown, id: string) => void) =>
      source.addEventListener(event, ({ data, lastEventId }: MessageEvent<string>) =>
        take(JSON.parse(data), lastEventId),
      )
    source.onopen = () => (connected.value = true)
    source.onerror = () => {
      connected.value = false
      trouble.value = ''
      live.value = false
      steps.clear()
      tokens.clear()
      if (source.readyState === EventSource.CLOSED && !closed) waiting = setTimeout(connect, AGAIN)
    }
    on('about', (told) => {
      about.value = told as RunAbout
      if (!about.value.running) for (const pace of [steps, tokens]) pace.clear()
    })
    on('records', (lines, id) => {
      place = id
      series.add(lines as LogLine[])
      if (live.value) pace()
      draw()
    })
    on('trouble', (told) => (trouble.value = (told as { readonly says: string }).says))
    on('live', () => {
      live.value = true
      trouble.value = ''
      pace()
      draw()
    })
    on('reset', () => {
      place = ''
      series.clear()
      steps.clear()
      tokens.clear()
      draw()
    })
  }
  const pace = () => {
    const now = performance.now()
    steps.saw(series.step(), now)
    tokens.saw(series.tokens(), now)
  }
  connect()
  return {
    ...{ about, series, steps, tokens, version, live, connected, trouble },
    close() {
      closed = true
      clearTimeout(waiting)
      cancelAnimationFrame(frame)
      source.close()
    },
  }
}
