/**
 * Code of the user's in this process. What it does to what all code here shares is undone after each call: the working directory
 * and the exit code silently; a standard function that it replaces, or an addition to every object, with a word about it.
 * @module
 */
// Node puts a process.chdir of its own in place when it loads this, as a loader of TypeScript has it do: that is no reward's work.
import 'node:worker_threads'
import { AsyncLocalStorage } from 'node:async_hooks'

import { UserError } from '../errors.ts'

const foreign = new AsyncLocalStorage<true>()

/** Whether what asks is code of the user's, or was begun by it. */
export const isForeign = (): boolean => foreign.getStore() === true

/** What a call came to. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown }

/**
 * Calls code of the user's.
 *
 * @param name what errors call it
 * @throws UserError where it changed what all code shares, which is then as before
 */
export async function runForeign<T>(name: string, work: () => T | Promise<T>): Promise<Outcome<T>> {
  const [folder, exitCode, before] = [process.cwd(), process.exitCode, shared.map(look)]
  const outcome = await foreign.run(true, async (): Promise<Outcome<T>> => {
    try {
      return { value: await work() }
    } catch (error) {
      return { error }
    }
  })
  let change: string | undefined
  for (const seen of before) change = putBack(seen, change)
  if (process.cwd() !== folder) process.chdir(folder)
  process.exitCode = exitCode
  if (change === undefined) return outcome
  throw new UserError(
    `${name} ${change}, which all code of the process shares; have it use a function or an object of its own`,
  )
}

type Descriptors = readonly (readonly [key: PropertyKey, descriptor: PropertyDescriptor])[]

interface Seen {
  readonly name: string
  readonly object: object
  readonly members: Descriptors
}

const GLOBALS = ['fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'structuredClone']
const CONSTRUCTORS = { Array, String, Number, Boolean, Function, RegExp, Map, Set, Promise, Date } as const

// Taken before anything can have replaced them.
const sameValue = Object.is
const { ownKeys, getOwnPropertyDescriptor, defineProperty, deleteProperty } = Reflect
/** `Object.prototype` is the first to be put back, as all others inherit from it. */
const shared: readonly (readonly [name: string, object: object, keys?: readonly string[]])[] = [
  ['Object.prototype', Object.prototype],
  ...Object.entries(CONSTRUCTORS).map(([name, { prototype }]) => [`${name}.prototype`, prototype] as const),
  ['globalThis', globalThis, [...Object.keys(CONSTRUCTORS), 'Object', 'Math', 'JSON', 'Reflect', ...GLOBALS]],
  ...Object.entries({ Object, Array, Number, Promise, Date, Math, JSON, Reflect, process }).map(
    ([name, object]) =>
      [name, object, name === 'process' ? ['exit', 'cwd', 'chdir', 'on', 'nextTick'] : undefined] as const,
  ),
]

const look = ([name, object, keys = ownKeys(object) as string[]]: (typeof shared)[number]): Seen => ({
  name,
  object,
  members: keys.flatMap((key) => {
    const descriptor = getOwnPropertyDescriptor(object, key)
    return descriptor ? [[key, descriptor] as const] : []
  }),
})

/**
 * Undoes what was done to an object's members, by loops alone, as methods may be what was replaced; says the first of all changes. What
 * is added to a prototype other than that of every object stays, but is not met by loops over an object's keys.
 */
function putBack({ name, object, members }: Seen, before: string | undefined): string | undefined {
  let change = before
  for (const key of ownKeys(object)) {
    let known = false
    for (const [member] of members) known ||= member === key
    if (known) continue
    if (object === Object.prototype) {
      deleteProperty(object, key)
      change ??= `adds ${String(key)} to ${name}`
    } else if (object !== globalThis && object !== process) {
      const added = getOwnPropertyDescriptor(object, key)
      if (added?.enumerable && added.configurable)
        defineProperty(object, key, { ...added, enumerable: false })
    }
  }
  for (const [key, was] of members) {
    const is = getOwnPropertyDescriptor(object, key)
    if (is && sameValue(is.value, was.value) && is.get === was.get && is.set === was.set) continue
    defineProperty(object, key, was)
    change ??= `replaces ${name === 'globalThis' ? '' : `${name}.`}${String(key)}`
  }
  return change
}
