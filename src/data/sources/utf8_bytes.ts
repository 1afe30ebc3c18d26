/**
 * The bytes of a text file as UTF-8 with line feeds, whatever wrote them: UTF-16 with a byte order mark, as spreadsheets save
 * "Unicode text", is converted, and so are line ends of a lone carriage return, as of old Macs and "CSV (Macintosh)".
 * @module
 */
import { UserError } from '../../errors.ts'
import { blocksOf } from '../../formats/byte_file.ts'
import type { ByteFile } from '../../formats/byte_file.ts'
import { hexOf, joinBytes } from '../../formats/bytes.ts'
import { inWideEncoding, wideEncoding } from '../../formats/encoding.ts'

const [LINE_FEED, CARRIAGE_RETURN] = [0x0a, 0x0d]

/**
 * Yields a file's blocks; they are cut anywhere. A byte order mark stays.
 *
 * @throws UserError where the file cannot be read, is UTF-16 that is broken, or of another encoding of several bytes a character
 */
export async function* utf8Bytes(file: ByteFile): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let convert: Converter | undefined
  let lineFeeds: boolean | undefined
  for await (const block of blocksOf(file)) {
    convert ??= converterOf(file.name, block)
    const bytes = convert.next(block)
    lineFeeds ??= bytes.includes(LINE_FEED) || !bytes.subarray(0, -1).includes(CARRIAGE_RETURN)
    yield lineFeeds ? bytes : bytes.map((byte) => (byte === CARRIAGE_RETURN ? LINE_FEED : byte))
  }
  convert?.end()
}

interface Converter {
  next(block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>
  end(): void
}

function converterOf(path: string, first: Uint8Array): Converter {
  const encoding = wideEncoding(first)
  if (encoding === undefined) return { next: (block) => block, end: () => undefined }
  const marked = /^(?:fffe|feff)/.test(hexOf(first.subarray(0, 2)))
  if (marked && encoding.startsWith('UTF-16')) return fromUtf16(path, encoding === 'UTF-16BE')
  throw inWideEncoding(path, encoding)
}

function fromUtf16(path: string, bigEndian: boolean): Converter {
  const encoder = new TextEncoder()
  // What is held of a block: a character may go on in the next one.
  let held = new Uint8Array(0)
  let line = 1
  return {
    next(block) {
      const bytes = joinBytes([held, block])
      const all = utf16Text(bytes, bigEndian)
      const text = /[\uD800-\uDBFF]$/.test(all) ? all.slice(0, -1) : all
      held = bytes.subarray(2 * text.length)
      const alone = /\p{Surrogate}/u.exec(text)?.index
      if (alone !== undefined)
        throw new UserError(
          `${path}, line ${line + lineFeedsIn(text.slice(0, alone))}: half a character stands alone in this UTF-16 text (a surrogate without its other half); correct it, or save the file again as UTF-8`,
        )
      line += lineFeedsIn(text)
      return encoder.encode(text)
    },
    end() {
      if (held.length > 0)
        throw new UserError(
          `${path}, line ${line}: the file ends within a character of UTF-16, so it is cut off; copy it again`,
        )
    },
  }
}

/** Characters that one call takes. */
const PIECE = 2 ** 13

/** The text of bytes but for an odd last one; halves of characters stay, where a TextDecoder would put U+FFFD. */
function utf16Text(bytes: Uint8Array, bigEndian: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const codes = new Uint16Array(bytes.length >> 1)
  for (let i = 0; i < codes.length; i++) codes[i] = view.getUint16(2 * i, !bigEndian)
  let text = ''
  for (let at = 0; at < codes.length; at += PIECE)
    text += String.fromCharCode(...codes.subarray(at, at + PIECE))
  return text
}

const lineFeedsIn = (text: string): number => text.split('\n').length - 1
