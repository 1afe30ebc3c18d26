/** The files of a zip (PKWARE APPNOTE 6.3.10), as they are downloaded here and as other programs pack them. @module */
import { UserError } from '../../src/web.ts'

/** In bytes: an adapter has some million. */
const MOST = 2 ** 29

const END = 0x06054b50
const ENTRY = 0x02014b50
const STORED = 0
const DEFLATED = 8

/**
 * Files by the last part of their names, folders left out.
 *
 * @throws UserError where it is none, or is packed in another way
 */
export async function unzipped(zip: File): Promise<Map<string, Blob>> {
  if (zip.size > MOST) throw new UserError(`${zip.name} is larger than adapters are; choose another file`)
  const bytes = new Uint8Array(await zip.arrayBuffer())
  try {
    return await entries(bytes, zip.name)
  } catch (error) {
    if (error instanceof UserError) throw error
    throw new UserError(`${zip.name} is no zip, or is damaged; download it again`)
  }
}

async function entries(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<Map<string, Blob>> {
  const view = new DataView(bytes.buffer)
  let end = bytes.length - 22
  while (view.getUint32(end, true) !== END) end--
  const files = new Map<string, Blob>()
  let at = view.getUint32(end + 16, true)
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    if (view.getUint32(at, true) !== ENTRY) throw new RangeError('no entry')
    const [method, packed] = [view.getUint16(at + 10, true), view.getUint32(at + 20, true)]
    const [size, own] = [view.getUint32(at + 24, true), view.getUint32(at + 42, true)]
    const [nameLength, extra, comment] = [28, 30, 32].map((from) => view.getUint16(at + from, true)) as [
      number,
      number,
      number,
    ]
    const path = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength))
    // Of the file's own header the lengths may differ.
    const from = own + 30 + view.getUint16(own + 26, true) + view.getUint16(own + 28, true)
    const file = path.slice(path.lastIndexOf('/') + 1)
    if (file !== '') files.set(file, await unpacked(bytes.subarray(from, from + packed), method, size, name))
    at += 46 + nameLength + extra + comment
  }
  return files
}

async function unpacked(
  packed: Uint8Array<ArrayBuffer>,
  method: number,
  size: number,
  name: string,
): Promise<Blob> {
  if (method === STORED) return new Blob([packed])
  if (method !== DEFLATED || size > MOST)
    throw new UserError(`${name} is packed in a way that is not known here; unpack it, and choose its folder`)
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
  const file = await new Response(stream).blob()
  if (file.size !== size) throw new RangeError('another size')
  return file
}
