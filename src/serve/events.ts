/**
 * What goes on in a run, as server-sent events:
 *
 *     about     what is known of it ({@link RunAbout}), first of all and whenever that changes
 *     records   lines of its log; the event's id is the place up to which it was told
 *     live      these were all for now
 *     reset     the log was shortened or begun anew: what was told of it counts no more
 *     trouble   what is missing of the run, in a sentence; `live` follows when it is there again
 *
 * A browser that lost the connection says the last id, and is told what came after it.
 * @module
 */
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { UserError } from '../errors.ts'
import { exists } from '../formats/read_file.ts'
import type { LogRecord } from '../learning/listeners.ts'
import type { RunAbout } from './about.ts'
import { aboutRun } from './about.ts'
import type { EventStream } from './event_stream.ts'
import { eventStream } from './event_stream.ts'
import { followLog } from './follow_log.ts'
import type { Asked } from './server.ts'

/** At most so many at a time; a browser keeps the others waiting. */
const MOST = 200

/** Milliseconds between two looks at what is known, and between two signs of life. */
const LOOK = 1000
const ALIVE = 15_000

let open = 0

/** Tells until the other side goes. */
export async function tellRun(run: string, { request }: Asked, response: ServerResponse): Promise<true> {
  if (open >= MOST) {
    response.writeHead(503, { 'Retry-After': '5', 'Content-Type': 'text/plain; charset=utf-8' })
    response.end('too many pages watch already; close some\n')
    return true
  }
  open++
  try {
    const stream = eventStream(response)
    if (request.method !== 'HEAD') await tell(run, placeAsked(request), stream)
  } finally {
    open--
    response.end()
  }
  return true
}

/** Tells all that goes on; where something of the run is missing, what that is, and goes on when it is there again. */
async function tell(run: string, after: string, stream: EventStream): Promise<void> {
  let [place, told, trouble] = [after, '', '']
  const send: Send = (event, data, id) => {
    place = id ?? place
    if (event === 'live') trouble = ''
    return stream.send(event, data, id)
  }
  /** Says whether it is another than was told. */
  const sendAbout = async (about: RunAbout): Promise<boolean> => {
    const text = JSON.stringify(about)
    if (text === told) return false
    told = text
    await send('about', about)
    return true
  }
  while (!stream.gone.aborted) {
    // Ends one half where the other fails.
    const half = new AbortController()
    const signal = AbortSignal.any([stream.gone, half.signal])
    try {
      await sendAbout(await lookAt(run))
      const log = tellLog(join(run, 'log.jsonl'), place, signal, send)
      await Promise.all([log, tellAbout(run, signal, sendAbout, stream)])
    } catch (error) {
      const says = await troubleOf(run, error)
      if (says !== trouble) await send('trouble', { says })
      trouble = says
    } finally {
      half.abort()
    }
    await setTimeout(LOOK, undefined, { signal: stream.gone, ref: false }).catch(() => undefined)
  }
}

/** @throws error where it is none of the run's */
async function troubleOf(run: string, error: unknown): Promise<string> {
  if (!(error instanceof UserError)) throw error
  if (!(await exists(run))) return `the folder ${run} is not there any more`
  if (!(await exists(join(run, 'training.json')))) return `${run} has no training.json any more`
  return error.message
}

/** What was found last, and when; whoever asks soon after is told the same. */
const looks = new Map<string, { readonly at: number; readonly found: Promise<RunAbout> }>()

function lookAt(run: string): Promise<RunAbout> {
  const last = looks.get(run)
  if (last && performance.now() - last.at < LOOK / 2) return last.found
  const found = aboutRun(run)
  looks.set(run, { at: performance.now(), found })
  return found
}

type Send = (event: string, data: unknown, id?: string) => Promise<void>

/** What a browser says of itself when it comes back, or a page when it does; empty for the beginning. */
function placeAsked({ headers, url }: Asked['request']): string {
  const asked = new URL(url ?? '/', 'http://localhost').searchParams.get('after')
  const last = headers['last-event-id'] ?? asked
  return typeof last === 'string' ? last : ''
}

async function tellLog(path: string, after: string, signal: AbortSignal, send: Send): Promise<void> {
  for await (const news of followLog(path, { signal, ...(after === '' ? {} : { after }) })) {
    if (news.kind === 'records') await send('records', news.records.map(numbersOf), news.at)
    // From the beginning again, for a browser that comes back, too.
    else if (news.kind === 'reset') await send('reset', {}, '')
    else await send(news.kind, {})
  }
}

/** What can be drawn of a record. */
const numbersOf = (record: LogRecord): object =>
  Object.fromEntries(
    Object.entries(record).filter(([, value]) => typeof value === 'number' || typeof value === 'boolean'),
  )

async function tellAbout(
  run: string,
  signal: AbortSignal,
  sendAbout: (about: RunAbout) => Promise<boolean>,
  stream: EventStream,
): Promise<void> {
  let [quiet, missed] = [0, 0]
  while (!signal.aborted) {
    await setTimeout(LOOK, undefined, { signal, ref: false }).catch(() => undefined)
    const about = await lookAt(run).catch((error: unknown) => {
      // A folder that is being replaced is whole the next time.
      if (++missed > 1) throw error
    })
    if (!about || signal.aborted) continue
    missed = 0
    quiet += LOOK
    if (await sendAbout(about)) quiet = 0
    if (quiet < ALIVE) continue
    await stream.alive()
    quiet = 0
  }
}
