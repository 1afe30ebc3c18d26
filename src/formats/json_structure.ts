/**
 * What JSON.parse does not mind and a careful reader does: a key that stands twice in one object (of which JSON.parse
 * keeps the last), and nesting so deep that it only serves to exhaust memory.
 * @module
 */

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

/** Index after the quote that closes the string opened at `start`: the first quote that no backslash escapes. */
function endOfString(json: string, start: number): number {
  let i = start + 1
  while (i < json.length && json[i] !== '"') i += json[i] === '\\' ? 2 : 1
  return i + 1
}

function unescape(literal: string): string {
  try {
    return JSON.parse(literal) as string
  } catch {
    return literal
  }
}
