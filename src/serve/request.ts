/**
 * What is asked for, and whether it is answered at all.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/** Why a request is refused: a status, and a sentence for whoever looks. */
export interface Refusal {
  readonly status: number
  readonly says: string
}

/**
 * Refuses what would change something, and what is asked by a name that another site may have given this machine (DNS rebinding: its
 * scripts would be of the same origin). Numbers, localhost and the host that was asked for are nobody else's.
 *
 * @param host that the server was asked to listen on
 */
export function refusalOf({ method, headers }: IncomingMessage, host: string): Refusal | undefined {
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, says: 'only GET and HEAD are answered here' }
  const asked = hostName(headers.host ?? '')
  if (asked === undefined || !(isIP(asked) !== 0 || /(^|\.)localhost$/.test(asked) || asked === host))
    return {
      status: 403,
      says: 'this name is not the one that is served; open the address that ortune printed',
    }
  return undefined
}

/** The name in a Host header, without its port and brackets. */
function hostName(header: string): string | undefined {
  const [, six, name] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::\d{1,5})?$/i.exec(header) ?? []
  return (six ?? name)?.toLowerCase()
}

/** A part of a path that can be a name: what leads upwards, or to several folders at once, is none. */
const isName = (part: string): boolean => !['', '.', '..'].includes(part) && !/[/\0]/.test(part)

/**
 * The names that a request's address leads through, decoded once; undefined where one of them is none, such as `..`.
 *
 * @example namesOf('/models/pocket/config.json?x') // ['models', 'pocket', 'config.json']
 */
export function namesOf(url: string): readonly string[] | undefined {
  const [path] = url.split(/[?#]/, 1) as [string]
  if (!path.startsWith('/')) return undefined
  if (path === '/') return []
  try {
    const names = path.slice(1).split('/').map(decodeURIComponent)
    return names.every(isName) ? names : undefined
  } catch {
    return undefined
  }
}
