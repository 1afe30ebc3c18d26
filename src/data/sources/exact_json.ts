/**
 * JSON as Python writes it, without a digit lost: an integer that JavaScript's numbers would write with other digits is
 * kept as the text of its own. `NaN` and `Infinity`, which RFC 8259 does not know, are a value that is missing: null.
 * @module
 */

import { outsideStrings, parseJson } from '../../formats/json_structure.ts'

/** Where a second look is needed: as many digits as 2^53 has, or what is no JSON. */
const SUSPECT = /\d{16}|NaN|Infinity/

/** A number, or what Python writes for none. Longer ones than that are none that anybody means. */
const NUMBER = /-?(?:NaN|Infinity)|-?\d[\d.eE+-]{0,400}/g

/** Throws SyntaxError as `parseJson` does. */
export const parseExactJson = (text: string): unknown =>
  parseJson(SUSPECT.test(text) ? outsideStrings(text, (part) => part.replace(NUMBER, exact)) : text)

function exact(literal: string): string {
  if (/^-?[NI]/.test(literal)) return 'null'
  return /^-?\d{16,}$/.test(literal) && String(Number(literal)) !== literal ? `"${literal}"` : literal
}
