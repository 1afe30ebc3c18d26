/**
 * Servers of tests, and questions to them that no browser would put.
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:http'

import type { Route, RunningServer, ServerOptions } from '../../src/serve/server.ts'
import { openServer } from '../../src/serve/server.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Serves on any free port, and ends it after use. */
export async function withServer<T>(
  routes: readonly Route[],
  use: (url: string, server: RunningServer) => Promise<T>,
  options: ServerOptions = {},
): Promise<T> {
  const server = await openServer(routes, options)
  try {
    return await use(server.url, server)
  } finally {
    await server.close()
  }
}

interface Question {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks with a path just as it is written: `fetch` would take its `..` away. */
export const ask = (
  url: string,
  path: string,
  { method = 'GET', headers = {} }: Question = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const asked = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }))
      response.on('error', reject)
    })
    asked.on('error', reject).end()
  })
