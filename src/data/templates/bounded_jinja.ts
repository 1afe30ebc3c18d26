/**
 * Where chat templates run. One comes with a model of somebody else's, so none takes all time and memory: what its expressions
 * give has a largest size, each by itself and all together, and a rendering two seconds.
 * @module
 */
import { Environment, Interpreter, Template } from '@huggingface/jinja'

/** Milliseconds for one conversation, which takes a few as a rule. */
const MOST_TIME = 2000

/** Size of one value, and of all that one rendering makes. */
const [MOST_SIZE, MOST_ALTOGETHER] = [2 ** 20, 2 ** 26]

/** Size of what is put many times into a text: a separator, a replacement, an indentation. */
const MOST_REPEATED = 100

/** Lists in lists. */
const MOST_DEPTH = 100

/** What a value counts beside its characters. */
const VALUE_SIZE = 16

type Statement = Parameters<Interpreter['evaluate']>[0]
type Value = ReturnType<Interpreter['evaluate']>

/** What there is of the library's syntax trees and values; their types are not published. */
interface Node {
  readonly type: string
  readonly filter?: Node
  readonly callee?: Node
  readonly args?: readonly Node[]
  readonly argument?: Node
  readonly object?: Node
  readonly property?: Node
  readonly computed?: boolean
  readonly value?: unknown
}
interface FunctionValue {
  readonly value: (values: Value[], scope: Environment) => Value
}

/** Filters that put an argument many times into a text. */
const REPEATING: readonly unknown[] = ['join', 'replace', 'indent', 'tojson']

/** Methods that take characters from the ends of texts, and from which. */
const STRIPS: ReadonlyMap<unknown, { readonly start: boolean; readonly end: boolean }> = new Map([
  ['strip', { start: true, end: true }],
  ['lstrip', { start: true, end: false }],
  ['rstrip', { start: false, end: true }],
])

function stripped(
  text: string,
  characters: string,
  at: { readonly start: boolean; readonly end: boolean },
): string {
  const all = [...text]
  let [from, to] = [0, all.length]
  while (at.start && from < to && characters.includes(all[from]!)) from++
  while (at.end && from < to && characters.includes(all[to - 1]!)) to--
  return all.slice(from, to).join('')
}

/** A text as a value of the library. */
function textValue(text: string): Value {
  const environment = new Environment()
  environment.set('text', text)
  return environment.lookupVariable('text')
}

interface Extent {
  readonly size: number
  readonly depth: number
}

class BoundedInterpreter extends Interpreter {
  readonly #deadline = performance.now() + MOST_TIME
  readonly #known = new WeakMap<object, Extent>()
  readonly #repeated = new WeakSet<object>()
  /** What methods that strip are methods of, by their nodes. */
  readonly #stripped = new WeakMap<object, Value | undefined>()
  #altogether = 0

  override evaluate(statement: Statement, environment: Environment): Value {
    if (performance.now() > this.#deadline) throw new Error('it takes longer than two seconds')
    const node: Node | undefined = statement
    if (node) this.#noteRepeated(node)
    if (node && STRIPS.has(node.property?.value) && node.object) this.#stripped.set(node.object, undefined)
    const value = super.evaluate(statement, environment)
    if (node && this.#stripped.has(node)) this.#stripped.set(node, value)
    const { size, depth } = this.#extentOf(value)
    if (size > MOST_SIZE || depth > MOST_DEPTH || this.#altogether > MOST_ALTOGETHER)
      throw new Error(`it makes a text or list that is too large`)
    if (node && this.#repeated.has(node)) checkRepeated(value, size)
    return node?.type === 'MemberExpression' ? this.#method(node, value) : value
  }

  /** Notes which parts of a filter are put many times into a text; they are evaluated later. */
  #noteRepeated({ filter }: Node): void {
    if (filter?.callee === undefined || !REPEATING.includes(filter.callee.value)) return
    for (const given of filter.args ?? []) {
      const part = given.type === 'KeywordArgumentExpression' ? given.value : (given.argument ?? given)
      this.#repeated.add(part as object)
    }
  }

  /**
   * A method that may be `replace`: what it puts into a text is looked at when it is called. One that strips takes the characters
   * away that it is given, as Python's does and the library's does not.
   */
  #method({ object, property, computed }: Node, value: Value): Value {
    const { value: call } = value as unknown as FunctionValue
    if (typeof call !== 'function') return value
    const whole = object && this.#stripped.get(object)?.value
    const ends = STRIPS.get(property?.value)
    if (typeof whole === 'string' && ends) {
      const strip: FunctionValue['value'] = (values, scope) =>
        typeof values[0]?.value === 'string'
          ? textValue(stripped(whole, values[0].value, ends))
          : call(values, scope)
      return Object.create(value, { value: { value: strip } }) as Value
    }
    if (!(computed || property?.value === 'replace')) return value
    const bounded: FunctionValue['value'] = (values, scope) => {
      for (const given of values) checkRepeated(given, this.#extentOf(given).size)
      return call(values, scope)
    }
    return Object.create(value, { value: { value: bounded } }) as Value
  }

  /** The extent of a value, which is counted when it is met first. Only a namespace changes, and it is no part of a text. */
  #extentOf(value: Value): Extent {
    const known = this.#known.get(value)
    if (known) return known
    const inner: unknown = value.value
    let [size, depth] = [VALUE_SIZE, 0]
    if (typeof inner === 'string') size += inner.length
    else if (Array.isArray(inner) || inner instanceof Map) {
      for (const item of inner.values() as Iterable<Value>) {
        const extent = this.#extentOf(item)
        size += extent.size
        depth = Math.max(depth, extent.depth + 1)
      }
    }
    this.#altogether += typeof inner === 'object' && inner !== null ? VALUE_SIZE : size
    const extent = { size, depth }
    this.#known.set(value, extent)
    return extent
  }
}

function checkRepeated({ value }: Value, size: number): void {
  const many = typeof value === 'number' ? value : size - VALUE_SIZE
  if (many > MOST_REPEATED)
    throw new Error(`it puts more than ${MOST_REPEATED} characters into a text many times`)
}

/** Whole numbers as Python's `range` counts them. */
function range(start: number, end?: number, step = 1): number[] {
  const [from, to] = end === undefined ? [0, start] : [start, end]
  const count = Math.max(0, Math.ceil((to - from) / step))
  if (!(count <= MOST_SIZE / VALUE_SIZE)) throw new Error('it makes a range that is too long')
  return Array.from({ length: count }, (_, i) => from + i * step)
}

/** What templates know beside the variables that they are given. */
const globals = {
  ...{ true: true, True: true, false: false, False: false, none: null, None: null },
  range,
  strftime_now: (format: string) => new Template('{{ strftime_now(format) }}').render({ format }),
  raise_exception(reason: unknown) {
    throw new Error(String(reason))
  },
}

/** Renders a template. Throws Error where it refuses what it is given, fails, takes too long or makes too much. */
export function renderBounded({ parsed }: Template, variables: Readonly<Record<string, unknown>>): string {
  const environment = new Environment()
  for (const [name, value] of Object.entries({ ...globals, ...variables })) environment.set(name, value)
  return new BoundedInterpreter(environment).run(parsed).value as string
}
