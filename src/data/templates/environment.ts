/**
 * Where templates run. One may come with a run of somebody else's, and rows from anywhere, so no text, list or loop of one takes
 * all time and memory: texts in between have {@link MOST_CHARACTERS}, all of them together {@link MOST_ALTOGETHER}, a rendering two
 * seconds, and no filter is slower than linear, but for a regular expression, which is stopped where the platform can.
 * @module
 */
import nunjucks from 'nunjucks'

import { MOST_CHARACTERS } from '../../text/bounds.ts'
import { TOO_LONG, withinTime } from '../../within_time.ts'
import { stripTags } from './strip_tags.ts'

/** Milliseconds for one row, which takes less than one as a rule. */
const MOST_TIME = 2000

/** Most blanks that a line is indented by. */
const MOST_INDENT = 1000

/** Most characters that one filter may make, and all of one rendering; an item of a list counts {@link ITEM_SIZE}. */
const [MOST_AT_ONCE, MOST_ALTOGETHER, ITEM_SIZE] = [2 ** 26, 2 ** 27, 8]

type Filter = (...values: unknown[]) => unknown

/** What there is of nunjucks's frames of variables; its types are not published. */
interface Frame {
  set(name: string, value: unknown, resolveUp?: boolean): void
  push(isolate?: boolean): Frame
}
const { Frame } = nunjucks.runtime as unknown as { Frame: new (parent?: Frame, isolate?: boolean) => Frame }

/** When what is being rendered must be done. Rendering is synchronous, so there is one. */
let deadline = Infinity

/** Characters of the texts that the rendering has met and made. */
let altogether = 0

/** Variables of a template. Each turn of a loop sets some, as does each assignment. */
class BoundedFrame extends Frame {
  override set(name: string, value: unknown, resolveUp?: boolean): void {
    check(value)
    super.set(name, value, resolveUp)
  }

  override push(isolate?: boolean): Frame {
    return new BoundedFrame(this, isolate)
  }
}

function check(value: unknown): void {
  if (performance.now() > deadline) throw new Error(TOO_LONG)
  if (typeof value !== 'string' && !Array.isArray(value)) return
  if (value.length > MOST_CHARACTERS)
    throw new Error(`it makes a text or list of more than ${MOST_CHARACTERS} characters or items on the way`)
  altogether += typeof value === 'string' ? value.length : ITEM_SIZE * value.length
  if (altogether > MOST_ALTOGETHER)
    throw new Error(`it makes texts of more than ${MOST_ALTOGETHER} characters altogether`)
}

/** Refuses what would put a text so often into another that the result is no text to learn. */
function checkProduct(characters: number, times: number): void {
  if (characters * times > MOST_AT_ONCE)
    throw new Error(`it puts a text of ${characters} characters up to ${times} times into another`)
}

const bounded =
  (filter: Filter): Filter =>
  (...values) => {
    values.forEach(check)
    const result = filter(...values)
    check(result)
    return result
  }

/** Filters that nunjucks has, made safe for any text. */
function ownFilters(given: (name: string) => Filter): Readonly<Record<string, Filter>> {
  const [indent, join, replace] = ['indent', 'join', 'replace'].map(given) as [Filter, Filter, Filter]
  return {
    // nunjucks's own look for the end of blanks from each of them.
    trim: (text) => (text as string).trim(),
    striptags: (text, keepLines) => stripTags(text as string | null | undefined, Boolean(keepLines)),
    indent(text, width, ...others) {
      if (Number(width) > MOST_INDENT) throw new Error(`it indents by more than ${MOST_INDENT}`)
      checkProduct(Number(width ?? 0), lengthOf(text))
      return indent(text, width, ...others)
    },
    join(list, separator, ...others) {
      checkProduct(Math.max(lengthOf(separator), longestOf(list)), lengthOf(list))
      return join(list, separator, ...others)
    },
    replace(text, old, by, ...others) {
      if (!(old instanceof RegExp)) {
        if (old === '') checkProduct(lengthOf(by), lengthOf(text))
        return replace(text, old, by, ...others)
      }
      checkProduct(lengthOf(by), lengthOf(text))
      if (/\$[`']/.test(String(by))) throw new Error("it replaces by $` or $', the text around")
      return withinTime(() => replace(text, old, by, ...others))
    },
  }
}

const lengthOf = (value: unknown): number =>
  typeof value === 'string' || Array.isArray(value) ? value.length : 0

const longestOf = (list: unknown): number =>
  Array.isArray(list) ? list.reduce<number>((most, item) => Math.max(most, lengthOf(item)), 0) : 0

/** An environment with these filters of nunjucks alone. */
export function boundedEnvironment(names: readonly string[]): nunjucks.Environment {
  const environment = new nunjucks.Environment([], { autoescape: false, throwOnUndefined: true })
  const given = (name: string) => environment.getFilter(name) as Filter
  const own = ownFilters(given)
  for (const name of names) environment.addFilter(name, bounded(own[name] ?? given(name)))
  return environment
}

/** Renders a template of that environment. Throws where it takes too long or makes too much. */
export function renderBounded(template: nunjucks.Template, context: object): string {
  deadline = performance.now() + MOST_TIME
  altogether = 0
  try {
    const inFrame = template as unknown as { render(context: object, parent: Frame): string }
    return inFrame.render(context, new BoundedFrame())
  } finally {
    deadline = Infinity
  }
}
