/**
 * ONNX Runtime's C interface, of the very library that onnxruntime-node brings. Its own binding for Node copies every output and
 * keeps no tensor on a device; the library does what is wanted of it.
 * @module
 */
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { LibraryHandle } from 'koffi'
import koffi from 'koffi'
import { UserError } from '../../errors.ts'
import { API_VERSION, indices } from './indices.ts'
import type { Fallible, Infallible } from './signatures.ts'
import { fallible, infallible } from './signatures.ts'

/** An address of ONNX Runtime's, of one of its opaque types. */
export type Address = bigint

/** What the library's functions take: numbers, strings, addresses, and arrays of the host where they lie. */
export type Argument = number | bigint | string | null | ArrayBufferView | readonly unknown[]

export interface Library {
  /** Calls a function. @throws Error with ONNX Runtime's message */
  call(name: Fallible, ...given: readonly Argument[]): void
  /** Calls a function whose last argument takes an address out, and returns that. */
  made(name: Fallible, ...given: readonly Argument[]): Address
  /** Calls a function that cannot fail. */
  plain(name: Infallible, ...given: readonly Argument[]): unknown
}

const require = createRequire(import.meta.url)

/** The folder of onnxruntime-node's libraries for this platform. */
export const libraryFolder = (): string =>
  join(
    dirname(require.resolve('onnxruntime-node/package.json')),
    ...['bin', 'napi-v6', process.platform, process.arch],
  )

/** libonnxruntime.so.1, libonnxruntime.1.30.0.dylib, onnxruntime.dll */
const isLibrary = (name: string): boolean => /^(lib)?onnxruntime\.(so\.\d+|[\d.]*dylib|dll)$/.test(name)

/** The library, opened once. @throws UserError where onnxruntime-node has none for this platform */
export function library(): Library {
  opened ??= open()
  return opened
}
let opened: Library | undefined
/** Held on to: a call after koffi's own handle has been collected reads freed memory. */
let loaded: LibraryHandle | undefined

function open(): Library {
  const folder = libraryFolder()
  const file = existsSync(folder) ? readdirSync(folder).find(isLibrary) : undefined
  if (file === undefined)
    throw new UserError(`onnxruntime-node has no library for ${process.platform}/${process.arch}`)
  loaded = koffi.load(join(folder, file))
  const base = loaded.func('OrtGetApiBase', 'void *', [])() as Address
  const entry = (table: Address, index: number, result: string, given: readonly string[]) =>
    koffi.decode(
      koffi.decode(table + BigInt(koffi.sizeof('void *') * index), 'void *'),
      koffi.proto(result, [...given]),
    ) as (...given: readonly Argument[]) => unknown

  const api = entry(base, 0, 'void *', ['uint32'])(API_VERSION) as Address | null
  if (api === null) {
    const version = entry(base, 1, 'const char *', [])() as string
    throw new UserError(
      `onnxruntime-node brings ONNX Runtime ${version}, where 1.${API_VERSION} or later is needed`,
    )
  }

  // What is called is looked up at its first call.
  const functions = new Map<string, (...given: readonly Argument[]) => unknown>()
  const found = (name: Fallible | Infallible) => {
    const known = functions.get(name)
    if (known) return known
    const [result, given] =
      name in fallible ? (['void *', fallible[name as Fallible]] as const) : infallible[name as Infallible]
    const made = entry(api, indices[name], result, given)
    functions.set(name, made)
    return made
  }
  const plain = (name: Infallible, ...given: readonly Argument[]) => found(name)(...given)
  function call(name: Fallible, ...given: readonly Argument[]): void {
    const status = found(name)(...given) as Address | null
    if (status === null) return
    const message = plain('GetErrorMessage', status) as string
    plain('ReleaseStatus', status)
    throw new Error(message)
  }
  return {
    call,
    plain,
    made(name, ...given) {
      const out: [Address | null] = [null]
      call(name, ...given, out)
      return out[0]!
    },
  }
}

/** Where the elements of an array lie. */
export function addressOf(data: ArrayBufferView): Address {
  // A small array lies in V8's heap until its buffer is asked for; from then on it stays where it is.
  void data.buffer
  return koffi.address(data)
}

/** `count` addresses that lie one after the other. */
export const addressesAt = (at: Address, count: number): Address[] =>
  Array.from(
    { length: count },
    (_, i) => koffi.decode(at + BigInt(koffi.sizeof('void *') * i), 'void *') as Address,
  )

/** A zero-terminated text. */
export const textAt = (at: Address): string => koffi.decode.string(at)

/** A copy of `bytes` bytes. */
export const bytesAt = (at: Address, bytes: number): ArrayBuffer =>
  (koffi.decode(at, 'uint8_t', bytes) as Uint8Array<ArrayBuffer>).buffer
