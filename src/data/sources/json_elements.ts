/**
 * The texts of a JSON array's elements, cut at its own commas, so that a file is never held whole.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { ByteFile } from '../../formats/byte_file.ts'
import { joinBytes } from '../../formats/bytes.ts'
import { notUtf8 } from '../../formats/encoding.ts'
import { closingQuote } from '../../formats/json_structure.ts'
import { utf8Bytes } from './utf8_bytes.ts'

/** Longer ones mean a wrong kind of file rather than long text, as with lines. */
const MOST_CHARACTERS = 2 ** 24

const [QUOTE, COMMA, BRACKET, BRACE] = [0x22, 0x2c, 0x5b, 0x7b]
/** How far on the code of what closes is. */
const CLOSES = 2
const LINE_FEED = 10
const BLANK = /[ \t\r\n]/

/**
 * Yields the text of each element as it stands, JSON or not; a blank one where nothing stands between two commas.
 *
 * @throws SyntaxError where the text around the elements is no array's
 * @throws UserError for what cannot be read, is not UTF-8, or has an element without end
 */
export async function* jsonElements(file: ByteFile): AsyncGenerator<string> {
  let [depth, inString, ended, count] = [0, false, false, 0]
  let held = ''
  for await (const block of textBlocks(file)) {
    const text = held + block
    let from = 0
    for (let i = held.length; i < text.length; i++) {
      if (inString) {
        i = closingQuote(text, i)
        if (i < 0) break
        inString = false
        continue
      }
      const code = text.charCodeAt(i)
      if (depth === 0) {
        if (BLANK.test(text[i]!)) continue
        if (ended) throw new SyntaxError('more follows its array')
        if (code !== BRACKET) throw new SyntaxError('it does not begin with "["')
        ;[depth, from] = [1, i + 1]
      } else if (code === QUOTE) inString = true
      else if (code === BRACKET || code === BRACE) depth++
      else if (code === BRACKET + CLOSES || code === BRACE + CLOSES) {
        if (--depth > 0) continue
        if (code !== BRACKET + CLOSES) throw new SyntaxError('its array ends with a brace')
        const last = text.slice(from, i)
        if (count > 0 || last.trim() !== '') yield last
        ended = true
      } else if (code === COMMA && depth === 1) {
        yield text.slice(from, i)
        count++
        from = i + 1
      }
    }
    held = depth > 0 ? text.slice(from) : ''
    if (held.length > MOST_CHARACTERS)
      throw new UserError(
        `${file.name}, row ${count + 1}: it is longer than ${MOST_CHARACTERS} characters; is this a file of rows?`,
      )
  }
  if (!ended) throw new SyntaxError('it ends within its array')
}

/** The file's text in order, without a byte order mark. */
async function* textBlocks(file: ByteFile): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  // What may lie in the block before of the character that fails, and the number of the line which that begins in.
  let before = new Uint8Array(0)
  let line = 1
  const decode = (bytes = new Uint8Array(0), ends = true): string => {
    try {
      const text = decoder.decode(bytes, { stream: !ends })
      for (let at = before.indexOf(LINE_FEED); at >= 0; at = before.indexOf(LINE_FEED, at + 1)) line++
      before = bytes
      return text
    } catch {
      // A block may begin within a character.
      const whole = before.findIndex((byte) => byte < 0x80 || byte >= 0xc0)
      throw notUtf8(file.name, joinBytes([before.subarray(Math.max(0, whole)), bytes]), line)
    }
  }
  for await (const bytes of utf8Bytes(file)) yield decode(bytes, false)
  yield decode()
}
