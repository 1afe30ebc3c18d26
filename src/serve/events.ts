/**
 * What goes on in a run, as server-sent events:
 *
 *     about     what is known of it ({@link RunAbout}), first of all and whenever that changes
 *     records   lines of its log; the event's id is the place up to which it was told
 *     live      these were all for now
 *     reset     the log was shortened or begun anew: what was told of it counts no more
 *
 * A browser that lost the connection says the last id, and is told what came after it.
 * @module
 */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import type { LogRecord } from '../learning/listeners.ts'
import type { RunAbout } from './about.ts'
import { aboutRun } from './about.ts'
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
  const about = await lookAt(run)
  if (response.destroyed) return true
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  if (request.method === 'HEAD') {
    response.end()
    return true
  }
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const send = async (event: string, data: unknown, id?: string): Promise<void> => {
    if (gone.signal.aborted) return
    const text = `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
    if (!response.write(text)) await once(response, 'drain', { signal: gone.signal }).catch(() => undefined)
  }
  open++
  try {
    const after = placeAsked(request)
    await send('about', about)
    await Promise.all([
      tellLog(join(run, 'log.jsonl'), after, gone.signal, send),
      tellAbout(run, about, gone.signal, send, response),
    ])
  } finally {
    open--
    gone.abort()
    response.end()
  }
  return true
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

/** What a browser says of itself when it comes back, or a page when it does. */
function placeAsked({ headers, url }: Asked['request']): string | undefined {
  const asked = new URL(url ?? '/', 'http://localhost').searchParams.get('after')
  const last = headers['last-event-id'] ?? asked
  return typeof last === 'string' && last !== '' ? last : undefined
}

async function tellLog(
  path: string,
  after: string | undefined,
  signal: AbortSignal,
  send: Send,
): Promise<void> {
  for await (const news of followLog(path, { signal, ...(after === undefined ? {} : { after }) })) {
    if (news.kind === 'records') await send('records', news.records.map(numbersOf), news.at)
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
  told: RunAbout,
  signal: AbortSignal,
  send: Send,
  response: ServerResponse,
): Promise<void> {
  let quiet = 0
  while (!signal.aborted) {
    await setTimeout(LOOK, undefined, { signal, ref: false }).catch(() => undefined)
    // A file that is being replaced is whole the next time.
    const about = await lookAt(run).catch(() => told)
    const changed = JSON.stringify(about) !== JSON.stringify(told)
    if (changed) await send('about', about)
    else if ((quiet += LOOK) >= ALIVE) response.write(': alive\n\n')
    if (changed || quiet >= ALIVE) quiet = 0
    told = about
  }
}
