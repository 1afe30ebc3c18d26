/**
 * The files of a folder, as they are. What may be served is looked at here, name by name; `sirv` sends it, with its type, in parts where
 * these are asked for, and not again where it is known already.
 * @module
 */
import { realpath, stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { dirname, join, sep } from 'node:path'
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
  readonly linked?: string
}

/** Types that no list of them has. */
const TYPES: Readonly<Record<string, string>> = {
  safetensors: 'application/octet-stream',
  jinja: 'text/plain; charset=utf-8',
}

/** Serves regular files in it; none whose link leads out of it. */
export function folderRoute(folder: string, options: FolderOptions = {}): Route {
  const { under = [], index, serves = () => true, linked } = options
  const send = sirv(folder, { dev: true, etag: true, extensions: [] })
  return async ({ names, request }, response) => {
    if (under.some((name, i) => names[i] !== name)) return false
    const inner = names.slice(under.length)
    const path = inner.length === 0 && index !== undefined ? [index] : inner
    if (path.length === 0 || !serves(path.join('/')) || !(await isFileIn(folder, path, linked))) return false
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

async function isFileIn(folder: string, path: Asked['names'], linked: string | undefined): Promise<boolean> {
  const real = await realpath(join(folder, ...path)).catch(() => undefined)
  if (real === undefined) return false
  const roots = await Promise.all(
    [folder, ...(linked === undefined ? [] : [linked])].map((root) => realpath(root).catch(() => undefined)),
  )
  if (!roots.some((root) => root !== undefined && real.startsWith(root + sep))) return false
  return (await stat(real).catch(() => undefined))?.isFile() ?? false
}

/** Where the Hub's cache keeps what a folder of `snapshots` links to. */
export const hubBlobs = async (folder: string): Promise<string> =>
  join(dirname(dirname(await realpath(folder))), 'blobs')
