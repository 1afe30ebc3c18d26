/**
 * JSON Lines sources: one JSON object a line (jsonlines.org). Blank lines are skipped. Of a name that a line
 * holds twice, the last value counts, as JSON.parse has it.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { ByteFile } from '../../formats/byte_file.ts'
import { DamagedRow, stop } from './damaged_row.ts'
import type { Leave } from './damaged_row.ts'
import type { Row } from '../row.ts'
import { parseExactJson } from './exact_json.ts'
import { readTextBlocks } from './text_lines.ts'

function parseLine(line: string, where: string): Row {
  let value: unknown
  try {
    value = parseExactJson(line)
  } catch (error) {
    throw new DamagedRow(
      `${where}: not valid JSON (${(error as Error).message}); each line must be one JSON object`,
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const kind = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`
    throw new DamagedRow(`${where}: ${kind} where a JSON object is wanted, such as {"text": "..."}`)
  }
  return value as Row
}

/** Yields one row for each line, but for those that are left out. Throws UserError with the line number. */
export async function* readJsonl(file: ByteFile, leave: Leave = stop): AsyncGenerator<Row> {
  let found = false
  for await (const { text, line } of readTextBlocks(file)) {
    for (const [i, content] of text.split('\n').entries()) {
      if (content.trim() === '') continue
      found = true
      let row: Row
      try {
        row = parseLine(content, `${file.name}, line ${line + i}`)
      } catch (error) {
        if (!(error instanceof DamagedRow)) throw error
        leave(error)
        continue
      }
      yield row
    }
  }
  if (!found) throw new UserError(`${file.name} is empty; it needs one JSON object a line`)
}
