/**
 * YAML text that nobody vouches for.
 * @module
 */
import type { Alias, Document, YAMLMap } from 'yaml'
import { isScalar, parseDocument, visit } from 'yaml'

import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'

/** A configuration has some thousand. Of brackets and commas alone, these take the library two seconds. */
const MOST_CHARACTERS = 100_000

/** Mappings and lists in one another; no option has more than ten, each of which counts for two or three. */
const DEEPEST = 100

/** How often what is written once may stand elsewhere by its name: with names of names, a short text could be endless. */
const MOST_ALIASES = 100

/**
 * The value of YAML text.
 *
 * @param where what errors call the text
 * @throws UserError where it is malformed, has a key twice, or is made to exhaust its reader
 */
export function parseYaml(text: string, where: string): unknown {
  if (text.length > MOST_CHARACTERS)
    throw new UserError(
      `${where} has ${text.length} characters where a configuration may have ${MOST_CHARACTERS}; is it the right file?`,
    )
  if (mostOpenBrackets(text) > DEEPEST) throw new UserError(`${where} is not valid YAML: ${TOO_DEEP}`)
  // The library compares every key of a mapping with every other one, which takes minutes where there are many.
  const document = parseDocument(text, { uniqueKeys: false, logLevel: 'silent' })
  const fault = document.errors[0]?.message.split('\n')[0]!.replace(/:$/, '') ?? faultOf(document)
  if (fault !== undefined)
    throw new UserError(
      `${where} is not valid YAML: ${fault.startsWith('Maximum call stack') ? TOO_DEEP : fault}`,
    )
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES })
  } catch {
    throw new UserError(`${where} repeats too much by its aliases (*); write out what they stand for`)
  }
}

const TOO_DEEP = 'it nests deeper than any option does; check its brackets and dashes'

/** Of brackets and braces, wherever they stand; the library takes seconds to fail on many. */
function mostOpenBrackets(text: string): number {
  let [open, most] = [0, 0]
  for (const [bracket] of text.matchAll(/[[{}\]]/g)) {
    open = Math.max(0, open + ('[{'.includes(bracket) ? 1 : -1))
    most = Math.max(most, open)
  }
  return most
}

/** What the library does not mind: endless nesting, a key that stands twice, an alias of something that it is in. */
function faultOf(document: Document): string | undefined {
  let fault: string | undefined
  const found = (what: string | undefined) => {
    fault = what
    return what === undefined ? undefined : visit.BREAK
  }
  const depth = (above: readonly unknown[]) => (above.length > DEEPEST ? TOO_DEEP : undefined)
  visit(document, {
    Seq: (_, __, above) => found(depth(above)),
    Map: (_, map, above) => found(depth(above) ?? keyTwice(map)),
    Alias: (_, alias, above) => found(aliasOfItself(alias, document, above)),
  })
  return fault
}

function keyTwice({ items }: YAMLMap): string | undefined {
  const seen = new Set<unknown>()
  for (const { key } of items) {
    // What it is called once it is read: 1 is "1" then, and null nothing.
    const name = isScalar<string | number | boolean | null>(key) ? String(key.value ?? '') : key
    if (seen.has(name)) return `the key ${quote(name)} stands twice in a mapping; leave one out`
    seen.add(name)
  }
  return undefined
}

function aliasOfItself(alias: Alias, document: Document, above: readonly unknown[]): string | undefined {
  const source = alias.resolve(document)
  if (!source) return `*${alias.source} is the name of nothing before it`
  return above.includes(source) ? `*${alias.source} stands for something that it is part of` : undefined
}
