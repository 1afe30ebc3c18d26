/**
 * A server of files and of what is going on, for the browser of this machine. It answers and changes nothing.
 * @module
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isIP } from 'node:net'

import { UserError } from '../errors.ts'
import { LOOPBACK, PORT } from './port.ts'
import { headersOf } from './headers.ts'
import { namesOf, refusalOf } from './request.ts'

/** What is asked for: the names of its path, and the request itself. */
export interface Asked {
  readonly names: readonly string[]
  readonly request: IncomingMessage
}

/** Answers, or says false: it is another's to answer. */
export type Route = (asked: Asked, response: ServerResponse) => Promise<boolean> | boolean

export interface ServerOptions {
  /** A name or number of this machine; by default only this machine itself can reach it. */
  readonly host?: string
  /** By default the first free one from {@link PORT} on. */
  readonly port?: number
}

export interface RunningServer {
  readonly url: string
  /** Ends it, and what is being answered. */
  close(): Promise<void>
}

/** How many ports are tried where none is asked for. */
const TRIES = 20

/**
 * Serves what the first route that answers gives.
 *
 * @throws UserError where the port is taken or the host is none of this machine's
 */
export async function openServer(
  routes: readonly Route[],
  options: ServerOptions = {},
): Promise<RunningServer> {
  const { host = LOOPBACK, port } = options
  // Of an empty name Node makes all of them.
  if (host.trim() === '')
    throw new UserError('--host is empty; leave it out, or name the machine as others reach it')
  const server = createServer((request, response) => {
    answer(routes, host.toLowerCase(), request, response).catch((error: unknown) => {
      process.stderr.write(`${request.url}: ${error instanceof Error ? error.message : String(error)}\n`)
      if (response.headersSent) response.destroy()
      else end(response, 500, 'this could not be answered; the terminal says why')
    })
  })
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
  })
  await listen(server, host, port)
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${taken}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  routes: readonly Route[],
  host: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const names = namesOf(request.url ?? '')
  for (const [name, value] of Object.entries(headersOf(`/${names?.join('/') ?? ''}`)))
    response.setHeader(name, value)
  const refusal = refusalOf(request, host)
  if (refusal?.status === 405) response.setHeader('Allow', 'GET, HEAD')
  if (refusal) return end(response, refusal.status, refusal.says)
  if (names) for (const route of routes) if (await route({ names, request }, response)) return
  end(response, 404, 'there is nothing here')
}

function end(response: ServerResponse, status: number, says: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${says}\n`)
}

/** Answers with JSON that holds now. */
export function endJson(response: ServerResponse, value: unknown): true {
  response
    .writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' })
    .end(JSON.stringify(value))
  return true
}

/** On the port that is asked for; else on the first free one of some, or on any. */
async function listen(server: Server, host: string, port: number | undefined): Promise<void> {
  const ports = port === undefined ? [...Array.from({ length: TRIES }, (_, i) => PORT + i), 0] : [port]
  for (const one of ports) {
    const refused = await listenOn(server, host, one)
    if (refused === undefined) return
    if (refused.code !== 'EADDRINUSE' || port !== undefined) throw refusedError(refused, host, one)
  }
}

const listenOn = (server: Server, host: string, port: number): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise((resolve) => {
    server.once('error', resolve)
    server.listen({ host, port, exclusive: true }, () => {
      server.removeListener('error', resolve)
      resolve(undefined)
    })
  })

function refusedError({ code, message }: NodeJS.ErrnoException, host: string, port: number): UserError {
  if (code === 'EADDRINUSE')
    return new UserError(
      `port ${port} of ${host} is taken by another program; name another by --port, or leave --port out`,
    )
  if (code === 'EACCES')
    return new UserError(
      `port ${port} may be opened by the system's administrator alone; name one above 1024`,
    )
  return new UserError(
    `--host ${host} is no name or number of this machine (${code ?? message}); leave it out, or give 0.0.0.0 for all of them`,
  )
}
