/**
 * Text files as blocks of whole lines, checked to be UTF-8. A line end is never inside a character in UTF-8, so each
 * block is checked alone and a bad byte is reported with its line.
 * @module
 */
import { UserError } from '../../errors.ts'
import type { ByteFile } from '../../formats/byte_file.ts'
import { joinBytes } from '../../formats/bytes.ts'
import { notUtf8 } from '../../formats/encoding.ts'
import { utf8Bytes } from './utf8_bytes.ts'

/** Longer lines mean a wrong kind of file rather than long text. */
const MAX_LINE_BYTES = 2 ** 24
const LINE_FEED = 10

export interface TextBlock {
  /** Whole lines, line ends included; only the file's last line may lack its end. */
  readonly text: string
  /** 1-based number of the block's first line. */
  readonly line: number
}

async function* byteBlocks(file: ByteFile): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  for await (const chunk of utf8Bytes(file)) {
    const end = chunk.lastIndexOf(LINE_FEED) + 1
    if (end > 0) {
      yield joinBytes([...held, chunk.subarray(0, end)])
      held = []
      heldBytes = 0
    }
    held.push(chunk.subarray(end))
    heldBytes += chunk.length - end
    if (heldBytes > MAX_LINE_BYTES) break
  }
  yield joinBytes(held)
}

/** The file's text in order, without a byte order mark. Throws UserError for bytes that are not UTF-8 and huge lines. */
export async function* readTextBlocks(file: ByteFile): AsyncGenerator<TextBlock> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let line = 1
  for await (const block of byteBlocks(file)) {
    if (block.length > MAX_LINE_BYTES && !block.includes(LINE_FEED)) {
      throw new UserError(`${file.name}, line ${line}: the line is longer than 16 MiB; is this a text file?`)
    }
    let text: string
    try {
      text = decoder.decode(block)
    } catch {
      throw notUtf8(file.name, block, line)
    }
    yield { text: line === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text, line }
    for (let at = block.indexOf(LINE_FEED); at >= 0; at = block.indexOf(LINE_FEED, at + 1)) line++
  }
}
