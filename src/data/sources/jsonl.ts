/**
 * JSON Lines sources: one JSON object a line (jsonlines.org). Blank lines are skipped. Of a name that a line
 * holds twice, the last value counts, as JSON.parse has it.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { Row } from '../row.ts'
import { parseExactJson } from './exact_json.ts'
import { readTextBlocks } from './text_lines.ts'

function parseLine(line: string, where: string): Row {
  let value: unknown
  try {
    value = parseExactJson(line)
  } catch (error) {
    throw new UserError(
      `${where}: not valid JSON (${(error as Error).message}); each line must be one JSON object`,
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const kind = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`
    throw new UserError(`${where}: ${kind} where a JSON object is wanted, such as {"text": "..."}`)
  }
  return value as Row
}

/** Yields one row for each line. Throws UserError with the line number. */
export async function* readJsonl(path: string): AsyncGenerator<Row> {
  let found = false
  for await (const { text, line } of readTextBlocks(path)) {
    for (const [i, content] of text.split('\n').entries()) {
      if (content.trim() === '') continue
      found = true
      yield parseLine(content, `${path}, line ${line + i}`)
    }
  }
  if (!found) throw new UserError(`${path} is empty; it needs one JSON object a line`)
}
