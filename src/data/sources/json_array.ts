/**
 * JSON sources: a file that is one array of objects. It is read whole, which bounds its size.
 * @module
 */
import { stat } from 'node:fs/promises'

import { UserError } from '../../errors.ts'
import { quote } from '../../quote.ts'
import { readText, unreadable } from '../../formats/read_file.ts'
import type { Row } from '../row.ts'
import { parseExactJson } from './exact_json.ts'

/** A little below the longest string of V8, 2²⁹ − 24 characters. */
const MAX_BYTES = 512e6

/** Yields one row for each object. Throws UserError for a file of another form, and one above `maxBytes`. */
export async function* readJsonArray(path: string, maxBytes = MAX_BYTES): AsyncGenerator<Row> {
  const { size } = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  if (size > maxBytes) {
    throw new UserError(
      `${path} has ${Math.ceil(size / 1e6)} MB where a .json file may have ${maxBytes / 1e6}; save it as JSON Lines (.jsonl), one object a line`,
    )
  }
  const rows = parseArray(await readText(path), path)
  for (const [i, row] of rows.entries()) {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw new UserError(
        `${path}, row ${i + 1}: ${quote(row)} where a JSON object is wanted, such as {"text": "..."}`,
      )
    }
    yield row as Row
  }
}

function parseArray(text: string, path: string): unknown[] {
  let value: unknown
  try {
    value = parseExactJson(text)
  } catch (error) {
    const reason = (error as Error).message.replace(/\s+/g, ' ')
    throw new UserError(
      `${path} is not valid JSON (${reason}); if each line is an object, give format: jsonl`,
    )
  }
  if (!Array.isArray(value))
    throw new UserError(
      `${path} holds ${quote(value)}; it must be one array of objects, as pandas writes with to_json(orient="records")`,
    )
  if (value.length === 0) throw new UserError(`${path} is empty; it needs an array of at least one object`)
  return value
}
