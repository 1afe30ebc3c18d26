/**
 * What the memory of a process is made of. Linux only.
 * @module
 */
import { readFileSync } from 'node:fs'
import { sep } from 'node:path'

import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { identity } from '../../graphs/ops/index.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { peakRss } from './measure.ts'

/** Memory of a process that belongs to no file, MiB. */
export const anonymousMemory = (pid: number | 'self'): number =>
  Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024

/**
 * Memory that the files of this process take, MiB by path. The resident set counts a part of a file as often as it is
 * mapped; here it counts once.
 */
export function mappedMemory(): Map<string, number> {
  /** KiB by file, and by place and size in it. */
  const files = new Map<string, Map<string, number>>()
  for (const mapping of readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const [, start, end, offset, path] =
      /^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ \d+ +(\/.*)$/m.exec(mapping) ?? []
    if (path === undefined) continue
    const field = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(mapping)![1])
    const parts = files.get(path) ?? new Map<string, number>()
    const part = `${offset} ${parseInt(end!, 16) - parseInt(start!, 16)}`
    // Pages of a private mapping that were written to are the process's own.
    const size = field('Rss') - field('Anonymous')
    files.set(path, parts.set(part, Math.max(parts.get(part) ?? 0, size)))
  }
  return new Map(
    [...files].map(([path, parts]) => [path, [...parts.values()].reduce((sum, kB) => sum + kB, 0) / 1024]),
  )
}

/** A step's memory by what it is for. */
export interface StepMemory {
  /** What the session holds of the model: copies, and the part of its files that is in memory, MiB. */
  readonly weights_mb: number
  /** The peak above these and what the process had before, MiB. */
  readonly above_mb: number
}

/** Watches what a session on the model of a folder will take, from before it is opened; undefined beyond Linux. */
export async function watchMemory(
  folder: string,
): Promise<{ opened: () => void; atPeak: () => StepMemory } | undefined> {
  if (process.platform !== 'linux') return undefined
  // ONNX Runtime itself is no memory of the model's.
  const graph = new Graph('nothing')
  graph.output('y', identity(graph.input('x', 'float32', ['n'])))
  await openNodeSession(serialize(graph))

  const [own, peak] = [anonymousMemory('self'), peakRss()]
  let copied = 0
  return {
    opened: () => void (copied = anonymousMemory('self') - own),
    atPeak() {
      const mapped = [...mappedMemory()].filter(([path]) => path.startsWith(folder + sep))
      const weights = copied + mapped.reduce((sum, [, size]) => sum + size, 0)
      return { weights_mb: weights, above_mb: peakRss() - peak - weights }
    },
  }
}
