/**
 * The writing side of server-sent events.
 * @module
 */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

export interface EventStream {
  /** Comes when the other side goes, or is let go of. */
  readonly gone: AbortSignal
  /** Writes an event, and waits until there is room for the next. */
  send(event: string, data: unknown, id?: string): Promise<void>
  /** Writes what no reader sees, so that nobody between takes the connection for a dead one. */
  alive(): Promise<void>
}

/** Milliseconds that a reader has to take what was written. */
const PATIENCE = 30_000

/** Begins to answer with events. A reader that takes nothing for too long is let go of: it would keep its place from others. */
export function eventStream(response: ServerResponse, patience = PATIENCE): EventStream {
  const controller = new AbortController()
  const gone = controller.signal
  response.once('close', () => controller.abort())
  if (response.destroyed) controller.abort()
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  const write = async (text: string): Promise<void> => {
    if (gone.aborted || response.write(text)) return
    const signal = AbortSignal.any([gone, AbortSignal.timeout(patience)])
    await once(response, 'drain', { signal }).catch(() => response.destroy())
  }
  return {
    gone,
    send: (event, data, id) =>
      write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
    alive: () => write(': alive\n\n'),
  }
}
