/**
 * What the commands share that serve pages: where, and what is said of it.
 * @module
 */
import { spawn } from 'node:child_process'

import type { Command } from 'commander'

import { LOOPBACK, PORT } from '../serve/port.ts'
import type { Route } from '../serve/server.ts'
import { wholeNumber } from './number_argument.ts'

export interface ServingFlags {
  host?: string
  port?: number
  open?: boolean
  json?: boolean
}

export const addServingOptions = (command: Command): Command =>
  command
    .option(
      '--port <n>',
      `port (default: the first free one from ${PORT} on)`,
      wholeNumber({ from: 1, to: 65535 }),
    )
    .option(
      '--host <name>',
      `name or number of this machine that it is reached by (default: ${LOOPBACK}, by this machine alone)`,
    )
    .option('--open', 'open the page in the browser')
    .option('--json', 'print one JSON result on standard output: where it is served')

/** Serves until the process is ended. */
export async function serveUntilEnded(
  routes: readonly Route[],
  { host, port, open = false, json = false }: ServingFlags,
  what: string,
): Promise<never> {
  const { openServer } = await import('../serve/server.ts')
  const { url } = await openServer(routes, {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
  })
  if (host !== undefined && !isOfThisMachine(host))
    process.stderr.write(
      `whoever reaches ${host} can read what is served here; leave --host out to keep it to this machine\n`,
    )
  process.stdout.write(json ? `${JSON.stringify({ url })}\n` : `${what}: ${url}\nCtrl-C ends it\n`)
  if (open) openBrowser(url)
  return new Promise<never>(() => {
    // Its sockets keep the process until a signal ends it.
  })
}

const isOfThisMachine = (host: string): boolean => /^(127\.[\d.]+|::1|localhost)$/i.test(host)

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [command: string, ...before: string[]]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
}

/** Asks the system for its browser. Where there is none, the address stands in the terminal. */
function openBrowser(url: string): void {
  const [command, ...before] = OPENERS[process.platform] ?? ['xdg-open']
  const child = spawn(command, [...before, url], { stdio: 'ignore', detached: true })
  child.on('error', () => process.stderr.write(`${command} is not there, so no browser was opened\n`))
  child.unref()
}
