/**
 * Where templates run. One may come with a run of somebody else's, and rows from anywhere, so no text, list or loop of one takes
 * all time and memory: texts in between have {@link MOST_CHARACTERS}, a rendering two seconds, and no filter is slower than linear.
 * @module
 */
import nunjucks from 'nunjucks'

import { MOST_CHARACTERS } from '../../text/bounds.ts'
import { stripTags } from './strip_tags.ts'

/** Milliseconds for one row, which takes less than one as a rule. */
const MOST_TIME = 2000

/** Most blanks that a line is indented by. */
const MOST_INDENT = 1000

type Filter = (...values: unknown[]) => unknown

/** What there is of nunjucks's frames of variables; its types are not published. */
interface Frame {
  set(name: string, value: unknown, resolveUp?: boolean): void
  push(isolate?: boolean): Frame
}
const { Frame } = nunjucks.runtime as unknown as { Frame: new (parent?: Frame, isolate?: boolean) => Frame }

/** When what is being rendered must be done. Rendering is synchronous, so there is one. */
let deadline = Infinity

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
  if (performance.now() > deadline) throw new Error('it takes longer than two seconds')
  if ((typeof value === 'string' || Array.isArray(value)) && value.length > MOST_CHARACTERS)
    throw new Error(`it makes a text or list of more than ${MOST_CHARACTERS} characters or items on the way`)
}

const bounded =
  (filter: Filter): Filter =>
  (...values) => {
    values.forEach(check)
    const result = filter(...values)
    check(result)
    return result
  }

/** An environment with these filters of nunjucks alone. */
export function boundedEnvironment(names: readonly string[]): nunjucks.Environment {
  const environment = new nunjucks.Environment([], { autoescape: false, throwOnUndefined: true })
  const indent = environment.getFilter('indent') as Filter
  const own: Readonly<Record<string, Filter>> = {
    // nunjucks's own look for the end of blanks from each of them.
    trim: (text) => (text as string).trim(),
    striptags: (text, keepLines) => stripTags(text as string | null | undefined, Boolean(keepLines)),
    indent(text, width, ...others) {
      if (Number(width) > MOST_INDENT) throw new Error(`it indents by more than ${MOST_INDENT}`)
      return indent(text, width, ...others)
    },
  }
  for (const name of names)
    environment.addFilter(name, bounded(own[name] ?? (environment.getFilter(name) as Filter)))
  return environment
}

/** Renders a template of that environment. Throws where it takes too long or makes too much. */
export function renderBounded(template: nunjucks.Template, context: object): string {
  deadline = performance.now() + MOST_TIME
  try {
    const inFrame = template as unknown as { render(context: object, parent: Frame): string }
    return inFrame.render(context, new BoundedFrame())
  } finally {
    deadline = Infinity
  }
}
