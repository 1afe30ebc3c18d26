/**
 * What to tell of a text that is not UTF-8: where, what it probably is, and the command that converts it.
 * @module
 */
import { UserError } from '../errors.ts'
import { hexOf } from './bytes.ts'

const LINE_FEED = 10
const isHigh = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x80

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Whether bytes are UTF-8, to the last. */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes)
    return true
  } catch {
    return false
  }
}

/** Files of other files, by the bytes that they begin with. */
const PACKED: Readonly<Record<string, string>> = {
  '1f8b': 'compressed with gzip',
  '504b0304': 'a zip archive, as those of spreadsheets are',
  '28b52ffd': 'compressed with zstd',
  '425a68': 'compressed with bzip2',
  fd377a585a00: 'compressed with xz',
}

/** Encodings of two and four bytes a character, by the byte order marks that files begin with. */
const MARKS: readonly (readonly [mark: string, encoding: WideEncoding])[] = [
  // That of UTF-16LE begins this one, too.
  ['fffe0000', 'UTF-32LE'],
  ['0000feff', 'UTF-32BE'],
  ['fffe', 'UTF-16LE'],
  ['feff', 'UTF-16BE'],
]

export type WideEncoding = `UTF-${16 | 32}${'LE' | 'BE'}`

/** In bytes: what is looked at. */
const LOOKED_AT = 2 ** 16

/**
 * The encoding of text whose characters have two or four bytes each, told by its mark, or by the zero bytes beside the signs of
 * ASCII, which every table has; undefined for other text.
 */
export function wideEncoding(bytes: Uint8Array): WideEncoding | undefined {
  const marked = MARKS.find(([mark]) => firstHex(bytes).startsWith(mark))
  if (marked) return marked[1]
  if (packing(bytes) !== undefined) return undefined
  const looked = bytes.subarray(0, LOOKED_AT)
  const zeros = [0, 0, 0, 0] as [number, number, number, number]
  looked.forEach((byte, i) => (zeros[i % 4]! += Number(byte === 0)))
  const [first, second, third, fourth] = zeros
  const all = first + second + third + fourth
  // A text in UTF-8 may hold some zero bytes; of bytes that are not that, those of a line end tell.
  const latin = all >= 0.4 * looked.length
  if (!latin && (isUtf8(looked) || !endsWideLine(looked))) return undefined
  const most = 0.22 * looked.length
  if (third > most && fourth > most && first < most) return 'UTF-32LE'
  if (first > most && second > most && fourth < most) return 'UTF-32BE'
  // Some characters of other scripts have a zero byte, too, as "一" has.
  if (second + fourth > 2 * (first + third)) return 'UTF-16LE'
  return first + third > 2 * (second + fourth) ? 'UTF-16BE' : undefined
}

/** Whether a line feed of two bytes stands where a character begins. */
function endsWideLine(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1))
    if (bytes[at ^ 1] === 0) return true
  return false
}

/** The error of a file in such an encoding. */
export const inWideEncoding = (path: string, encoding: WideEncoding): UserError =>
  new UserError(
    `${path} looks like ${encoding}, which is not UTF-8; save it again as UTF-8, or convert it: ${conversion(path, encoding)}`,
  )

const conversion = (path: string, encoding: string): string =>
  `iconv -f ${encoding} -t UTF-8 "${path}" > "${withUtf8(path)}"`

const packing = (bytes: Uint8Array): string | undefined =>
  Object.entries(PACKED).find(([begin]) => firstHex(bytes).startsWith(begin))?.[1]

const firstHex = (bytes: Uint8Array): string => hexOf(bytes.subarray(0, 6))

/** Of Windows-1252's signs those that are usual: euro, ellipsis, quotation marks, bullet, dashes, trademark. From 0xA0 on it is Latin-1. */
const USUAL: readonly number[] = [0x80, 0x85, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x99]

/**
 * The error of a file whose bytes are not UTF-8.
 *
 * @param bytes the file, or a part of it that begins with a line
 * @param first the number of that line
 */
export function notUtf8(path: string, bytes: Uint8Array, first = 1): UserError {
  const packed = first === 1 ? packing(bytes) : undefined
  if (packed !== undefined) return new UserError(`${path} is ${packed}; unpack it, and name what is in it`)
  const wide = first === 1 ? wideEncoding(bytes) : undefined
  if (wide !== undefined) return inWideEncoding(path, wide)
  let [number, start] = [first, 0]
  let line = bytes
  for (; start < bytes.length; number++) {
    const end = bytes.indexOf(LINE_FEED, start) + 1 || bytes.length
    line = bytes.subarray(start, end)
    if (!isUtf8(line)) break
    start = end
  }
  const where = `${path}, line ${number}: these bytes are not UTF-8 text`
  if (start + line.length === bytes.length && isCutOff(line))
    return new UserError(`${where}; the file ends within a character, so copy it again`)
  const encoding = looksWestern(line) ? 'WINDOWS-1252' : 'ITS_ENCODING'
  const guess = looksWestern(line) ? ', but look like Windows-1252 or Latin-1' : ''
  return new UserError(
    `${where}${guess}; save the file again as UTF-8, or convert it: ${conversion(path, encoding)}`,
  )
}

/** Whether a text is UTF-8 but for the first bytes of a character at its end. */
function isCutOff(line: Uint8Array): boolean {
  const begun = line.findLastIndex((byte) => byte >= 0xc0)
  return begun > line.length - 4 && line.subarray(begun).every(isHigh) && isUtf8(line.subarray(0, begun))
}

/** Letters with accents and typographic signs stand among ASCII, at most two beside each other; other scripts' bytes come in rows. */
function looksWestern(line: Uint8Array): boolean {
  const looked = line.subarray(0, 10_000)
  const rows = String.fromCharCode(...looked).match(/[\x80-\xff]{3}/)
  return rows === null && looked.every((byte) => byte < 0x80 || byte >= 0xa0 || USUAL.includes(byte))
}

/** The name of the converted file: `words.csv` becomes `words.utf8.csv`. */
const withUtf8 = (path: string): string => path.replace(/(\.[^./\\]*)?$/, '.utf8$1')
