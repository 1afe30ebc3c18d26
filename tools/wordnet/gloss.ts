/**
 * Splits a WordNet gloss into its definition and its quoted example sentences.
 * Format: "definition; more definition; "example"; "example" - Author" (wndb(5WN) of the WordNet manual).
 * @module
 */

export interface Gloss {
  readonly definition: string
  readonly examples: readonly string[]
}

/** Where the examples begin: a quote after a semicolon, or in some glosses a colon. */
const FIRST_EXAMPLE = /\s*[;:]\s*"/

/** Typewriter quotes (`so'), dashes and doubled spaces in the shape a reader expects. */
function tidy(text: string): string {
  return text
    .replace(/`([^`']*)'/g, "'$1'")
    .replace(/`/g, "'")
    .replace(/\s*--\s*/g, ' - ')
    .replace(/\s+/g, ' ')
    .replace(/ ([,;:.!?])/g, '$1')
    .replace(/^[\s;:,-]+|[\s;:,-]+$/g, '')
}

/** Splits one gloss. A definition with an unbalanced quote, or nothing in it, comes back empty. */
export function splitGloss(gloss: string): Gloss {
  const start = gloss.search(FIRST_EXAMPLE)
  const definition = tidy(start < 0 ? gloss : gloss.slice(0, start))
  const quoted = start < 0 ? [] : gloss.slice(start).matchAll(/"([^"]*)"/g)
  const examples = [...quoted].map((match) => tidy(match[1]!)).filter((example) => / /.test(example))
  const balanced = (definition.split('"').length - 1) % 2 === 0
  return { definition: balanced ? definition : '', examples }
}
