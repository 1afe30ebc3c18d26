/**
 * JSON as Python writes it, without a digit lost: a number past 2^53 that JavaScript's numbers would write with other digits is
 * kept as the text of its own. `NaN` and `Infinity`, which RFC 8259 does not know, are a value that is missing: null.
 * @module
 */

import { outsideStrings, parseJson } from '../../formats/json_structure.ts'

/** Where a second look is needed: as many digits as 2^53 has, an exponent, or what is no JSON. */
const SUSPECT = /\d{16}|\d[eE]|NaN|Infinity/

/** A number, or what Python writes for none. */
const NUMBER = /-?(?:NaN|Infinity)|-?\d[\d.eE+-]*/g

/** No number of JavaScript is written with so many characters. */
const MOST_DIGITS = 400

/** RFC 8259, 6. */
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** An escape of half a character (RFC 8259, 8.2), whether its other half is beside it or not. */
const SURROGATE = /\\u[dD][89a-fA-F]/

/** Throws SyntaxError as `parseJson` does, for numbers that are too large and for strings with half a character. */
export function parseExactJson(text: string): unknown {
  const value = parseJson(
    SUSPECT.test(text) ? outsideStrings(text, (part) => part.replace(NUMBER, exact)) : text,
  )
  if (SURROGATE.test(text)) checkCharacters(value)
  return value
}

function exact(literal: string): string {
  if (/^-?[NI]/.test(literal)) return 'null'
  const value = Number(literal)
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER || !JSON_NUMBER.test(literal)) return literal
  if (/^-?\d+$/.test(literal)) return String(value) === literal ? literal : `"${literal}"`
  if (!Number.isFinite(value))
    throw new SyntaxError(`the number ${literal.slice(0, 40)} is larger than any that can be kept`)
  const same = literal.length <= MOST_DIGITS && significant(String(value)) === significant(literal)
  return same ? literal : `"${literal}"`
}

/** The digits of a number that is not 0, without the zeros around them. */
const significant = (literal: string): string =>
  literal
    .replace(/[eE].*/, '')
    .replace(/\D/g, '')
    .replace(/^0+|0+$/g, '')

function checkCharacters(value: unknown): void {
  if (typeof value === 'string') {
    const [half] = /\p{Surrogate}/u.exec(value) ?? []
    if (half !== undefined)
      throw new SyntaxError(`a string holds half a character, \\u${half.charCodeAt(0).toString(16)}`)
  } else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) {
      checkCharacters(key)
      checkCharacters(item)
    }
}
