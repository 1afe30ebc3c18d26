/**
 * Models that the page can open: those that lie beside it, and those that are kept in the browser's storage.
 * @module
 */
import type { BlobFiles, TabModel, TabStorage } from '../../src/web.ts'
import {
  blobFiles,
  factsOf,
  familyOf,
  fetchModel,
  openTabModel,
  ownShapes,
  UserError,
} from '../../src/web.ts'
import type { ServedModels } from '../../src/serve/models.ts'
import { withFamilies } from './late_families.ts'
import { freeName } from './names.ts'
import type { ModelEntry, ModelFacts } from './workshop.ts'

type Progress = (done: number, of: number) => void

export interface OpenedModel {
  readonly id: string
  readonly model: TabModel
}

/** Files of a folder that belong to a model; others that lie there, such as those of PyTorch, are left. */
const BELONGS =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|model\.safetensors\.index)\.json$|^(merges|vocab)\.txt$|^chat_template\.jinja$|^model(-\d{5}-of-\d{5})?\.safetensors$/

export async function listModels(storage: TabStorage): Promise<ModelEntry[]> {
  const kept = await Promise.all(
    (await storage.list('models')).map(async (name): Promise<ModelEntry[]> => {
      if (!(await isWhole(storage, name))) return []
      const blobs = [...(await keptBlobs(storage, name)).values()]
      const bytes = blobs.reduce((sum, { size }) => sum + size, 0)
      return [{ id: `kept/${name}`, name, kept: true, bytes }]
    }),
  )
  return [...(await servedModels()), ...kept.flat()]
}

/** What lies beside the page: the worker's script is in a folder of it, `assets` or, while one works on it, `worker`. */
const beside = (path: string): string => new URL(`../${path}`, self.location.href).href

/** Models that lie beside the page, and their files by size; none where there is no `models.json`. */
async function served(): Promise<ServedModels['models']> {
  const response = await fetch(beside('models.json')).catch(() => undefined)
  return response?.ok ? ((await response.json()) as ServedModels).models : []
}

const servedModels = async (): Promise<ModelEntry[]> =>
  (await served()).map(({ name, files }) => ({
    ...{ id: `served/${name}`, name, kept: false },
    bytes: Object.values(files).reduce((sum, size) => sum + size, 0),
  }))

async function fetchServed(name: string, progress: Progress | undefined): Promise<BlobFiles> {
  const found = (await served()).find((one) => one.name === name)
  if (!found) throw new UserError(`the model ${name} is not served beside the page any more; choose another`)
  const names = Object.keys(found.files)
  return fetchModel(beside(`models/${encodeURIComponent(name)}`), {
    names,
    ...(progress ? { progress } : {}),
  })
}

/** @throws UserError where there is none, or it cannot be used */
export async function openModel(storage: TabStorage, id: string, progress?: Progress): Promise<OpenedModel> {
  const name = id.slice(id.indexOf('/') + 1)
  const files = id.startsWith('kept/')
    ? blobFiles(name, await keptBlobs(storage, name))
    : await fetchServed(name, progress)
  return { id, model: await withFamilies(() => openTabModel(files)) }
}

/**
 * Keeps the files of a model.
 *
 * @param called its name, with a number where it is taken
 * @throws UserError where they are not those of one, or the storage is full; nothing is kept then
 */
export async function addModel(
  storage: TabStorage,
  called: string,
  files: readonly File[],
  progress: Progress = () => undefined,
): Promise<OpenedModel> {
  const ours = files.filter((file) => BELONGS.test(file.name))
  const bytes = ours.reduce((sum, { size }) => sum + size, 0)
  if (!ours.some((file) => file.name === 'config.json'))
    throw new UserError(
      'these files have no config.json, so they are not the folder of a model; choose a folder with config.json, tokenizer.json and model.safetensors',
    )
  await removeParts(storage)
  const name = await freeName(storage, 'models', called)
  // All is checked before anything is kept.
  const model = await withFamilies(() => openTabModel(given(name, ours)))
  const folder = modelFolder(name)
  await storage.alone(folder, async () => {
    try {
      let done = 0
      for (const file of [...ours].sort(configLast)) {
        await storage.write(`${folder}/${file.name}`, [file])
        progress((done += file.size), bytes)
      }
    } catch (error) {
      await storage.remove(folder)
      throw error
    }
  })
  return { id: `kept/${name}`, model }
}

/** Removes models whose keeping was cut off, as where a tab was closed; not one that another tab keeps at this moment. */
async function removeParts(storage: TabStorage): Promise<void> {
  for (const name of await storage.list('models')) {
    const folder = modelFolder(name)
    const remove = async () => {
      if (!(await isWhole(storage, name))) await storage.remove(folder)
    }
    await storage.alone(folder, remove).catch(() => undefined)
  }
}

const modelFolder = (name: string): string => `models/${name}`

/** The configuration is written last. */
const isWhole = async (storage: TabStorage, name: string): Promise<boolean> =>
  (await storage.read(`${modelFolder(name)}/config.json`)) !== undefined

const given = (name: string, files: readonly File[]): BlobFiles =>
  blobFiles(name, new Map(files.map((file) => [file.name, file])))

const configLast = (a: File, b: File): number =>
  Number(a.name === 'config.json') - Number(b.name === 'config.json')

async function keptBlobs(storage: TabStorage, name: string): Promise<Map<string, Blob>> {
  const blobs = new Map<string, Blob>()
  for (const file of await storage.list(modelFolder(name))) {
    const blob = await storage.read(`${modelFolder(name)}/${file}`)
    if (blob) blobs.set(file, blob)
  }
  return blobs
}

export function modelFacts({ id, model: { config, files } }: OpenedModel): ModelFacts {
  const { context, vocabulary, layers, width } = factsOf(config)
  const { noun, language } = familyOf(config)
  const parameters = [...ownShapes(config).values()].reduce(
    (sum, shape) => sum + shape.reduce((product, n) => product * n, 1),
    0,
  )
  return {
    ...{ id, name: files.where, family: noun, parameters, layers, width, context, vocabulary },
    writes: language !== undefined,
  }
}
