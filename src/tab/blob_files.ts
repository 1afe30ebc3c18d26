/** @module */
import { UserError } from '../errors.ts'
import { blobFile, bytesOf, openBlob } from '../formats/byte_file.ts'
import type { Files } from '../formats/files.ts'
import { parseJson } from '../formats/json_structure.ts'
import { readEntriesOf, readHeader, wholeBytes } from '../formats/safetensors_bytes.ts'
import type { FileBytes } from '../formats/safetensors_bytes.ts'

/** Files that a page was given: picked, dropped, fetched, or kept in its storage. */
export interface BlobFiles extends Files {
  /** A file as it is. Throws UserError where there is none of the name. */
  readonly blob: (name: string) => Blob
}

/** In bytes: a configuration, which has some thousand. Only vocabularies are longer. */
const MOST_TEXT = 2 ** 24

/**
 * @param where what errors call them together, such as the name of their folder
 * @param blobs by their names
 */
export function blobFiles(where: string, blobs: ReadonlyMap<string, Blob>): BlobFiles {
  const path = (name: string): string => `${where}/${name}`
  function blob(name: string): Blob {
    const found = blobs.get(name)
    if (!found) throw new UserError(`${path(name)} is not among the files; add it`)
    return found
  }
  async function text(name: string, most = MOST_TEXT): Promise<string> {
    const found = blob(name)
    if (found.size > most)
      throw new UserError(
        `${path(name)} has ${found.size} bytes, and a file that is read whole may have ${most}; is it the file you mean?`,
      )
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(await bytesOf(path(name), found))
    } catch (error) {
      throw error instanceof TypeError ? new UserError(`${path(name)} is not UTF-8; save it as UTF-8`) : error
    }
  }
  const source = (name: string): FileBytes => blobBytes(path(name), blob(name))
  return {
    where,
    path,
    blob,
    file: (name) => blobFile(blob(name), path(name)),
    text,
    names: async () => [...blobs.keys()],
    async json(name, most) {
      const content = await text(name, most)
      try {
        return parseJson(content)
      } catch (error) {
        throw new UserError(
          `${path(name)} is not valid JSON (${(error as Error).message}); repair it or copy it again`,
        )
      }
    },
    header: async (name) => readHeader(source(name), path(name)),
    tensors: async (name, entries) => readEntriesOf(source(name), entries, path(name)),
  }
}

/** The bytes of a safetensors file that a page has. */
export const blobBytes = (where: string, blob: Blob): FileBytes => wholeBytes(openBlob(blob, where), where)

/** What a model cannot be without, and what it may have, where nothing says which files there are. */
const NEEDED = ['config.json', 'tokenizer.json', 'model.safetensors'] as const
const OPTIONAL = ['generation_config.json', 'tokenizer_config.json', 'chat_template.jinja'] as const

export interface FetchModelOptions {
  /** The names of its files; by default those that a model usually has are tried, and a browser's console shows which are not there. */
  readonly names?: readonly string[]
  /** Is told of the bytes of the weights. */
  readonly progress?: (done: number, of: number) => void
}

/**
 * Fetches a model's folder from an address of the page's own server, or one that lets other pages read it.
 *
 * @example
 * const model = await openTabModel(await fetchModel('models/pocket'))
 *
 * @throws UserError where a file that it needs is not there
 */
export async function fetchModel(
  address: string,
  { names, progress = () => undefined }: FetchModelOptions = {},
): Promise<BlobFiles> {
  const where = address.replace(/\/+$/, '')
  const blobs = new Map<string, Blob>()
  for (const name of names ?? [...OPTIONAL, ...NEEDED]) {
    const response = await get(`${where}/${name}`)
    if (response.ok)
      blobs.set(
        name,
        name.endsWith('.safetensors') ? await withProgress(response, progress) : await response.blob(),
      )
    else if (names || (NEEDED as readonly string[]).includes(name))
      throw new UserError(
        `${where}/${name} is not there (status ${response.status}); serve the folder of a model`,
      )
  }
  return blobFiles(where.slice(where.lastIndexOf('/') + 1), blobs)
}

async function get(address: string): Promise<Response> {
  try {
    return await fetch(address)
  } catch (error) {
    throw new UserError(
      `${address} cannot be fetched (${(error as Error).message}); is the server still running?`,
    )
  }
}

async function withProgress(response: Response, progress: (done: number, of: number) => void): Promise<Blob> {
  const total = Number(response.headers.get('content-length') ?? 0)
  let done = 0
  const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      done += chunk.length
      progress(done, Math.max(done, total))
      controller.enqueue(chunk)
    },
  })
  return new Response(response.body!.pipeThrough(counted)).blob()
}
