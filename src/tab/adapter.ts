/**
 * What training in a tab makes: adapters in PEFT's format, to be kept, downloaded, read again, or merged into their model.
 * @module
 */
import { headShapes } from '../../graphs/models/encoder.ts'
import type { Head } from '../../graphs/models/head.ts'
import { headOutputs, isPooled, languageHead } from '../../graphs/models/head.ts'
import { UserError } from '../errors.ts'
import type { Files } from '../formats/files.ts'
import { has } from '../formats/files.ts'
import { headSchema } from '../formats/heads.ts'
import type { PeftAdapter } from '../formats/peft_files.ts'
import { ADAPTER_CONFIG, ADAPTER_MODEL, peftFiles, readPeftFiles } from '../formats/peft_files.ts'
import { encodeSafetensors } from '../formats/safetensors_bytes.ts'
import { adaptationOf } from '../runs/learning_config.ts'
import { checkJson } from '../schema.ts'
import type { BlobFiles } from './blob_files.ts'
import { blobFiles } from './blob_files.ts'
import type { TabModel } from './model.ts'
import { checkName } from './names.ts'
import { runFolder, trainedShapes } from './run.ts'
import type { TabRunRecord } from './run_record.ts'
import type { TabStorage } from './storage.ts'
import { wholeFolder } from './storage.ts'
import { trainedTensors } from './tensors_file.ts'

/**
 * The adapter that a run has trained.
 *
 * @param checkpoint by default the best one, or the last where there is no best
 * @throws UserError where there is no checkpoint yet, or the run trains no adapter
 */
export async function trainedAdapter(
  storage: TabStorage,
  record: TabRunRecord,
  model: TabModel,
  checkpoint?: 'best' | 'last',
): Promise<PeftAdapter> {
  const lora = adaptationOf(record.settings, model.config)
  if (typeof lora === 'string')
    throw new UserError(
      `${record.name} trains no adapter (lora ${lora}); train one with lora r and lora_alpha`,
    )
  const head = isPooled(record.head)
    ? headShapes(model.config, headOutputs(record.head))
    : new Map<string, unknown>()
  const names = [...(await trainedShapes(record, model)).keys()].filter(
    (name) => head.has(name) || isAdapter(name),
  )
  for (const name of checkpoint ? [checkpoint] : (['best', 'last'] as const)) {
    const tensors = await trainedTensors(storage, `${runFolder(record.name)}/${name}.safetensors`, names)
    if (!tensors) continue
    const part = (ofHead: boolean) => new Map([...tensors].filter(([one]) => head.has(one) === ofHead))
    return {
      ...lora,
      baseModel: model.files.where,
      tensors: part(false),
      ...(head.size > 0 ? { head: part(true) } : {}),
    }
  }
  throw new UserError(`${record.name} has no checkpoint yet; train it first`)
}

const isAdapter = (name: string): boolean => /\.lora_[AB]\.weight$/.test(name)

/** Beside PEFT's files: what the head's numbers mean, which PEFT does not keep. */
const HEAD_FILE = 'head.json'

/**
 * The files of an adapter's folder, by their names: PEFT's two, and `head.json` where a head is given.
 *
 * @param head of a classifier: its kind and the names of its classes
 */
export function adapterBlobs(adapter: PeftAdapter, head: Head = languageHead): Map<string, Blob> {
  const { config, tensors } = peftFiles(adapter)
  return new Map([
    ...(isPooled(head) ? [[HEAD_FILE, new Blob([`${JSON.stringify(head, null, 2)}\n`])] as const] : []),
    [ADAPTER_MODEL, new Blob(encodeSafetensors(tensors) as BlobPart[])],
    [ADAPTER_CONFIG, new Blob([config])],
  ])
}

const adapterFolder = (name: string): string => `adapters/${name}`

/**
 * Keeps an adapter under a name, in place of one that has it.
 *
 * @param head of a classifier: its kind and the names of its classes
 * @throws UserError where the name can be none, the adapter could not be read again, or the storage is full
 */
export async function keepAdapter(
  storage: TabStorage,
  name: string,
  adapter: PeftAdapter,
  head?: Head,
): Promise<void> {
  checkName('an adapter', name)
  const blobs = adapterBlobs(adapter, head)
  const files = blobFiles(name, blobs)
  await readPeftFiles(files)
  await readAdapterHead(files)
  const folder = adapterFolder(name)
  const write = async () => {
    // The configuration last: without it there is no adapter.
    for (const [file, blob] of blobs) await storage.write(`${folder}/${file}`, [blob])
  }
  if (!(await storage.read(`${folder}/${ADAPTER_CONFIG}`))) return wholeFolder(storage, folder, write)
  await write()
  if (!blobs.has(HEAD_FILE)) await storage.remove(`${folder}/${HEAD_FILE}`)
}

/** The names of the adapters that are kept. */
export async function keptAdapters(storage: TabStorage): Promise<string[]> {
  const names: string[] = []
  for (const name of await storage.list('adapters'))
    if (await storage.read(`${adapterFolder(name)}/${ADAPTER_CONFIG}`)) names.push(name)
  return names
}

/** @throws UserError where there is none of the name, or it is damaged */
export const keptAdapter = async (storage: TabStorage, name: string): Promise<PeftAdapter> =>
  readPeftFiles(await keptFiles(storage, name))

/**
 * What the numbers of a kept adapter's head mean.
 *
 * @throws UserError where its file is damaged
 */
export const keptHead = async (storage: TabStorage, name: string): Promise<Head> =>
  readAdapterHead(await keptFiles(storage, name))

/**
 * What the numbers of an adapter's head mean, as `head.json` among its files says.
 *
 * @throws UserError where it is damaged
 */
export const readAdapterHead = async (files: Files): Promise<Head> =>
  (await has(files, HEAD_FILE))
    ? checkJson(headSchema, await files.json(HEAD_FILE), files.path(HEAD_FILE))
    : languageHead

async function keptFiles(storage: TabStorage, name: string): Promise<BlobFiles> {
  const blobs = new Map<string, Blob>()
  for (const file of [ADAPTER_CONFIG, ADAPTER_MODEL, HEAD_FILE]) {
    const blob = await storage.read(`${adapterFolder(name)}/${file}`)
    if (blob) blobs.set(file, blob)
  }
  return blobFiles(name, blobs)
}

/**
 * The folder of a language model with an adapter merged into its weights, which transformers and transformers.js open: files by their
 * paths.
 *
 * @throws UserError where the adapter does not fit, or has a head
 */
export async function mergedBlobs(model: TabModel, adapter: PeftAdapter): Promise<Map<string, Blob>> {
  const { mergedFolder } = await import('./merged_folder.ts')
  return mergedFolder(model, adapter)
}
