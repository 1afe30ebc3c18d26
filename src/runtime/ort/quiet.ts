/**
 * What libraries print by themselves: Dawn and the drivers below it write of adapters that are not there, beside the error that says so.
 * @module
 */
import { closeSync, openSync } from 'node:fs'
import koffi from 'koffi'

/** The C library of each platform whose descriptors are those of Node. */
const LIBRARIES: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  linux: 'libc.so.6',
  darwin: 'libSystem.B.dylib',
}

const STDERR = 2

interface Descriptors {
  /** Another descriptor of the same file; −1: none is left. */
  readonly dup: (descriptor: number) => number
  /** Makes `to` a descriptor of the file that `from` is one of. */
  readonly dup2: (from: number, to: number) => number
}

let found: Descriptors | null | undefined

function descriptors(): Descriptors | null {
  const name = LIBRARIES[process.platform]
  if (name === undefined) return null
  try {
    const library = koffi.load(name)
    return { dup: library.func('int dup(int)'), dup2: library.func('int dup2(int, int)') }
  } catch {
    return null
  }
}

/** Does something, and holds back what is written to standard error meanwhile, where the platform allows that. */
export function withoutStderr<T>(work: () => T): T {
  const { dup, dup2 } = (found ??= descriptors()) ?? {}
  const kept = dup?.(STDERR) ?? -1
  if (!dup2 || kept === -1) return work()
  const nowhere = openSync('/dev/null', 'w')
  dup2(nowhere, STDERR)
  try {
    return work()
  } finally {
    dup2(kept, STDERR)
    closeSync(kept)
    closeSync(nowhere)
  }
}
