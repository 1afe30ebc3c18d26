/**
 * JSON as Python writes it, without a digit lost: an integer that JavaScript's numbers would write with other digits is
 * kept as the text of its own. `NaN` and `Infinity`, which RFC 8259 does not know, are a value that is missing: null.
 * @module
 */

/** Where a second look is needed: as many digits as 2^53 has, or what is no JSON. */
const SUSPECT = /\d{16}|NaN|Infinity/

/** A string, which hides what is in it; a number; or what Python writes for none. */
const LITERAL = /"[^"\\]*(?:\\.[^"\\]*)*"|-?(?:NaN|Infinity)|-?\d[\d.eE+-]*/g

/** Throws SyntaxError as JSON.parse does. */
export const parseExactJson = (text: string): unknown =>
  JSON.parse(SUSPECT.test(text) ? text.replace(LITERAL, exact) : text)

function exact(literal: string): string {
  if (/^-?[NI]/.test(literal)) return 'null'
  return /^-?\d{16,}$/.test(literal) && String(Number(literal)) !== literal ? `"${literal}"` : literal
}
