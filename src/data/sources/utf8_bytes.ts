/**
 * The bytes of a text file as UTF-8 with line feeds, whatever wrote them: UTF-16 with a byte order mark, as spreadsheets save
 * "Unicode text", is converted, and so are line ends of a lone carriage return, as of old Macs and "CSV (Macintosh)".
 * @module
 */
import { createReadStream } from 'node:fs'

import { UserError } from '../../errors.ts'
import { inWideEncoding, wideEncoding } from '../../formats/encoding.ts'
import { regularFile, unreadable } from '../../formats/read_file.ts'

const [LINE_FEED, CARRIAGE_RETURN] = [0x0a, 0x0d]

/**
 * Yields a file's blocks; they are cut anywhere. A byte order mark stays.
 *
 * @throws UserError where the file cannot be read, is UTF-16 that is broken, or of another encoding of several bytes a character
 */
export async function* utf8Bytes(path: string): AsyncGenerator<Buffer> {
  await regularFile(path)
  const blocks = createReadStream(path, { highWaterMark: 2 ** 18 }) as AsyncIterable<Buffer>
  let convert: Converter | undefined
  let lineFeeds: boolean | undefined
  try {
    for await (const block of blocks) {
      convert ??= converterOf(path, block)
      const bytes = convert.next(block)
      lineFeeds ??= bytes.includes(LINE_FEED) || !bytes.subarray(0, -1).includes(CARRIAGE_RETURN)
      yield lineFeeds ? bytes : (bytes.map((byte) => (byte === CARRIAGE_RETURN ? LINE_FEED : byte)) as Buffer)
    }
    convert?.end()
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(path, error)
  }
}

interface Converter {
  next(block: Buffer): Buffer
  end(): void
}

function converterOf(path: string, first: Buffer): Converter {
  const encoding = wideEncoding(first)
  const marked = /^(?:fffe|feff)/.test(first.toString('hex', 0, 2))
  if (encoding === undefined) return { next: (block) => block, end: () => undefined }
  if (marked && encoding.startsWith('UTF-16')) return fromUtf16(path, encoding === 'UTF-16BE')
  throw inWideEncoding(path, encoding)
}

function fromUtf16(path: string, bigEndian: boolean): Converter {
  // What is held of a block: a character may go on in the next one.
  let held: Buffer = Buffer.alloc(0)
  let line = 1
  return {
    next(block) {
      const bytes = Buffer.concat([held, block])
      const whole = Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % 2)))
      if (bigEndian) whole.swap16()
      const all = whole.toString('utf16le')
      const text = /[\uD800-\uDBFF]$/.test(all) ? all.slice(0, -1) : all
      held = bytes.subarray(2 * text.length)
      const alone = /\p{Surrogate}/u.exec(text)?.index
      if (alone !== undefined)
        throw new UserError(
          `${path}, line ${line + lineFeedsIn(text.slice(0, alone))}: half a character stands alone in this UTF-16 text (a surrogate without its other half); correct it, or save the file again as UTF-8`,
        )
      line += lineFeedsIn(text)
      return Buffer.from(text)
    },
    end() {
      if (held.length > 0)
        throw new UserError(
          `${path}, line ${line}: the file ends within a character of UTF-16, so it is cut off; copy it again`,
        )
    },
  }
}

const lineFeedsIn = (text: string): number => text.split('\n').length - 1
