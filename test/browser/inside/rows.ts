/**
 * Files of the page's server as a page has them that was given them by its user.
 * @module
 */
import { openTokenizer } from '../../../src/formats/open_tokenizer.ts'
import type { DataKindName, Row, SplitRule, TemplateSource } from '../../../src/web.ts'
import { blobFile, blobFiles, prepareInMemory, readRowsOf, UserError } from '../../../src/web.ts'

const given = async (path: string): Promise<File> => {
  const response = await fetch(`/files/${path}`)
  return new File([await response.blob()], path.slice(path.lastIndexOf('/') + 1))
}

/** The rows of a file as JSON, or the message of its error. */
export async function rowsOf({ path }: { readonly path: string }): Promise<string> {
  const rows: Row[] = []
  try {
    for await (const row of readRowsOf(blobFile(await given(path)))) rows.push(row)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return error.message
  }
  return JSON.stringify(rows)
}

export interface ToPrepare {
  readonly path: string
  readonly task: DataKindName
  readonly template?: TemplateSource
  readonly split: SplitRule
  /** The folder of the tokenizer, and the names of its files. */
  readonly model: string
  readonly names: readonly string[]
  readonly maxLength: number
}

/** The SHA-256 of each split's file, and the fingerprint. */
export async function prepared({
  path,
  model,
  names,
  split,
  ...options
}: ToPrepare): Promise<Readonly<Record<string, string>>> {
  const blobs = await Promise.all(names.map(async (name) => [name, await given(`${model}/${name}`)] as const))
  const tokenizerFiles = blobFiles(model, new Map(blobs))
  const { files, report } = await prepareInMemory({
    ...options,
    sources: [{ file: blobFile(await given(path)), split }],
    overlong: 'skip',
    tokenizerFiles,
    tokenizer: await openTokenizer(tokenizerFiles),
  })
  const digests = Object.entries(files).map(async ([name, bytes]) => {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    return [name, Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')] as const
  })
  return { fingerprint: report.fingerprint, ...Object.fromEntries(await Promise.all(digests)) }
}

/** The first rows of a file of more bytes than a page can hold. */
export async function firstRows({
  bytes,
  count,
}: {
  readonly bytes: number
  readonly count: number
}): Promise<{ readonly size: number; readonly rows: readonly Row[] }> {
  let blob = new Blob(['{"text":"a fox"}\n'.repeat(100_000)])
  while (blob.size < bytes) blob = new Blob([blob, blob])
  const rows: Row[] = []
  for await (const row of readRowsOf(blobFile(blob, 'large.jsonl'))) if (rows.push(row) === count) break
  return { size: blob.size, rows }
}
