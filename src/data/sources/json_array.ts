/**
 * JSON sources: a file that is one array of objects, read element by element.
 * @module
 */
import { UserError } from '../../errors.ts'
import { quote } from '../../quote.ts'
import type { ByteFile } from '../../formats/byte_file.ts'
import { joinBytes } from '../../formats/bytes.ts'
import { isUtf8, notUtf8 } from '../../formats/encoding.ts'
import type { Row } from '../row.ts'
import { DamagedRow, stop } from './damaged_row.ts'
import type { Leave } from './damaged_row.ts'
import { parseExactJson } from './exact_json.ts'
import { jsonElements } from './json_elements.ts'
import { utf8Bytes } from './utf8_bytes.ts'

/** Largest file of another form that is looked into. */
const MOST_BYTES = 16e6

/** Yields one row for each object, but for those that are left out. Throws UserError, with the row's number, for a file of another form. */
export async function* readJsonArray(file: ByteFile, leave: Leave = stop): AsyncGenerator<Row> {
  const { name: path } = file
  let count = 0
  try {
    for await (const text of jsonElements(file)) {
      let row: Row
      try {
        row = parseElement(text, path, ++count)
      } catch (error) {
        if (!(error instanceof DamagedRow)) throw error
        leave(error)
        continue
      }
      yield row
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw (count === 0 && (await otherForm(file))) || invalid(path, error.message)
  }
  if (count === 0) throw new UserError(`${path} is empty; it needs an array of at least one object`)
}

function parseElement(text: string, path: string, number: number): Row {
  let row: unknown
  try {
    row = parseExactJson(text)
  } catch (error) {
    throw new DamagedRow(invalid(path, `row ${number}: ${onOneLine(error as Error)}`).message)
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    throw new DamagedRow(
      `${path}, row ${number}: ${quote(row)} where a JSON object is wanted, such as {"text": "..."}`,
    )
  return row as Row
}

const invalid = (path: string, reason: string): UserError =>
  new UserError(`${path} is not valid JSON (${reason}); if each line is an object, give format: jsonl`)

/** What is wrong with a file that is no array, where it is not too large to be looked into. */
async function otherForm(file: ByteFile): Promise<UserError | undefined> {
  const { name: path } = file
  if ((await sizeOf(file)) > MOST_BYTES) return undefined
  let value: unknown
  try {
    const text = await wholeText(file)
    value = parseExactJson(text)
  } catch (error) {
    return error instanceof UserError ? error : invalid(path, onOneLine(error as Error))
  }
  return new UserError(
    `${path} holds ${quote(value)}; it must be one array of objects, as pandas writes with to_json(orient="records")`,
  )
}

const onOneLine = ({ message }: Error): string => message.replace(/\s+/g, ' ')

async function sizeOf(file: ByteFile): Promise<number> {
  const open = await file.open()
  await open.close()
  return open.size
}

/** Without a byte order mark. */
async function wholeText(file: ByteFile): Promise<string> {
  const blocks: Uint8Array[] = []
  for await (const block of utf8Bytes(file)) blocks.push(block)
  const bytes = joinBytes(blocks)
  if (!isUtf8(bytes)) throw notUtf8(file.name, bytes)
  return new TextDecoder().decode(bytes)
}
