/**
 * The files of a folder, as they are. What may be served is looked at here, name by name; `sirv` sends it, with its type, in parts where
 * these are asked for, and not again where it is known already.
 * @module
 */
import type { Stats } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { basename, dirname, join, sep } from 'node:path'
import type { Readable } from 'node:stream'

import sirv from 'sirv'

import type { Asked, Route } from './server.ts'

export interface FolderOptions {
  /** The names under which it is served, before those of its files. */
  readonly under?: readonly string[]
  /** The file for the folder itself. */
  readonly index?: string
  /** Which of its files are served; all where it is not said. */
  readonly serves?: (name: string) => boolean
  /** A folder that links may lead into, beside itself. */
  readonly linked?: string | undefined
}

/** Types that no list of them has. */
const TYPES: Readonly<Record<string, string>> = {
  safetensors: 'application/octet-stream',
  jinja: 'text/plain; charset=utf-8',
}

/** What is served of a folder: nothing that is hidden, leads elsewhere, or has a meaning of its own to some system. */
// eslint-disable-next-line no-control-regex
const NAME = /^[^.\\/:\0-\x1f][^\\/:\0-\x1f]*$/

/** Serves regular files in it; none whose link leads out of it. */
export function folderRoute(folder: string, options: FolderOptions = {}): Route {
  const { under = [], index, serves = () => true, linked } = options
  const send = sirv(folder, { dev: true, etag: true, extensions: [] })
  return async ({ names, request }, response) => {
    if (under.some((name, i) => names[i] !== name)) return false
    const inner = names.slice(under.length)
    const path = inner.length === 0 && index !== undefined ? [index] : inner
    if (path.length === 0 || !path.every((name) => NAME.test(name)) || !serves(path.join('/'))) return false
    if (!(await fileIn(folder, path, linked))) return false
    const type = TYPES[path.at(-1)!.split('.').at(-1)!]
    if (type !== undefined) response.setHeader('Content-Type', type)
    request.url = `/${path.map(encodeURIComponent).join('/')}`
    if (!isRange(request.headers.range)) delete request.headers.range
    response.once('pipe', (file: Readable) => endTogether(file, request, response))
    send(request, response, () => void response.writeHead(404).end())
    return true
  }
}

/** Nobody reads on for one who has gone, or asked for the headers alone; and what cannot be read ends what is being answered. */
function endTogether(file: Readable, { method }: Asked['request'], response: ServerResponse): void {
  file.once('error', () => response.destroy())
  response.once('close', () => file.destroy())
  if (method === 'HEAD') {
    file.destroy()
    response.end()
  }
}

/** One range of bytes from somewhere on; others are answered with the whole file, as they may be. */
function isRange(range: string | undefined): boolean {
  const [, from, to] = /^bytes=(\d{1,15})-(\d{1,15})?$/.exec(range ?? '') ?? []
  return from !== undefined && (to === undefined || Number(from) <= Number(to))
}

/**
 * A file as it may be served: a regular one, of which no link leads out of its folder; undefined where there is none.
 *
 * @param linked a folder that links may lead into, beside it
 */
export async function fileIn(
  folder: string,
  path: readonly string[],
  linked?: string,
): Promise<Stats | undefined> {
  const real = await realpath(join(folder, ...path)).catch(() => undefined)
  if (real === undefined) return undefined
  const roots = await Promise.all(
    [folder, ...(linked === undefined ? [] : [linked])].map((root) => realpath(root).catch(() => undefined)),
  )
  if (!roots.some((root) => root !== undefined && real.startsWith(root + sep))) return undefined
  const found = await stat(real).catch(() => undefined)
  return found?.isFile() ? found : undefined
}

/** Where the Hub's cache keeps what a folder of its `snapshots` links to; undefined for any other folder. */
export async function hubBlobs(folder: string): Promise<string | undefined> {
  const snapshots = dirname(await realpath(folder).catch(() => folder))
  return basename(snapshots) === 'snapshots' ? join(dirname(snapshots), 'blobs') : undefined
}
