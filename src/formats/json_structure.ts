/**
 * JSON text, and what JSON.parse does not mind and a careful reader does: a key that stands twice in one object (of which JSON.parse
 * keeps the last), and nesting so deep that it only serves to exhaust memory.
 * @module
 */

/** Files that people and programs write nest some ten levels deep. */
const DEEPEST = 100

/** The value of JSON text. Throws SyntaxError as JSON.parse does, and where it nests too deep to be walked. */
export function parseJson(text: string): unknown {
  if (nestsDeeper(text, DEEPEST)) throw new SyntaxError(`it nests deeper than ${DEEPEST} levels`)
  return JSON.parse(text)
}

/** Whether JSON text nests deeper than so many levels. Strings are leapt over, so that this takes little time. */
function nestsDeeper(json: string, deepest: number): boolean {
  let depth = 0
  for (let i = 0; i < json.length; i++) {
    switch (json.charCodeAt(i)) {
      case QUOTE:
        i = endOfString(json, i) - 1
        break
      case BRACKET:
      case BRACE:
        if (++depth > deepest) return true
        break
      case BRACKET + 2:
      case BRACE + 2:
        depth--
    }
  }
  return false
}

/** The codes of `"`, `[` and `{`; those that close are two further on. */
const [QUOTE, BRACKET, BRACE] = [0x22, 0x5b, 0x7b]

/**
 * Looks through JSON text before it is parsed. Text that is not JSON is left for JSON.parse to refuse.
 * @returns What is wrong with the text, as the end of a sentence, or undefined.
 */
export function findJsonFault(json: string, deepest: number): string | undefined {
  const keysOfOpenObjects: Set<string>[] = []
  let lastString = ''
  for (let i = 0; i < json.length; i++) {
    switch (json[i]) {
      case '{':
      case '[':
        keysOfOpenObjects.push(new Set())
        if (keysOfOpenObjects.length > deepest) return `nests deeper than ${deepest} levels`
        break
      case '}':
      case ']':
        keysOfOpenObjects.pop()
        break
      case '"': {
        const end = endOfString(json, i)
        lastString = json.slice(i, end)
        i = end - 1
        break
      }
      case ':': {
        // Outside a string, a colon follows a key.
        const key = unescape(lastString)
        const keys = keysOfOpenObjects.at(-1)
        if (keys?.has(key)) return `has the key ${JSON.stringify(key)} twice`
        keys?.add(key)
      }
    }
  }
  return undefined
}

/** A JSON text with its parts outside of strings rewritten. */
export function outsideStrings(json: string, rewrite: (part: string) => string): string {
  const parts: string[] = []
  for (let from = 0; from <= json.length;) {
    const quote = json.indexOf('"', from)
    if (quote < 0) return parts.join('') + rewrite(json.slice(from))
    const end = endOfString(json, quote)
    parts.push(rewrite(json.slice(from, quote)), json.slice(quote, end))
    from = end
  }
  return parts.join('')
}

/** Index after the quote that closes the string opened at `start`; beyond the text where none does. */
function endOfString(json: string, start: number): number {
  const quote = closingQuote(json, start + 1)
  return quote < 0 ? json.length + 1 : quote + 1
}

/** Index of the first quote from `from` on that no backslash escapes, as where a string ends; −1 where there is none. */
export function closingQuote(json: string, from: number): number {
  for (let quote = json.indexOf('"', from); quote >= 0; quote = json.indexOf('"', quote + 1)) {
    let backslashes = 0
    while (json[quote - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return quote
  }
  return -1
}

function unescape(literal: string): string {
  try {
    return JSON.parse(literal) as string
  } catch {
    return literal
  }
}
