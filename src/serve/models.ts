/**
 * Models that a page can load: each is a folder, of which the files of a model are served and nothing else.
 * @module
 */
import { readdir } from 'node:fs/promises'
import { basename, resolve } from 'node:path'

import { UserError } from '../errors.ts'
import { exists } from '../formats/read_file.ts'
import { TOKENIZER_FILES } from '../formats/tokenizer_files.ts'
import { fileIn, folderRoute, hubBlobs } from './folder.ts'
import type { Route } from './server.ts'
import { endJson } from './server.ts'

/** What a page is told of a model. */
export interface ServedModel {
  /** Its folder under `models/`, and what it is called. */
  readonly name: string
  /** Bytes of its files by their names. */
  readonly files: Readonly<Record<string, number>>
}

/** The value of `models.json`. */
export interface ServedModels {
  readonly models: readonly ServedModel[]
}

const NAMES: ReadonlySet<string> = new Set([
  ...['config.json', 'generation_config.json', 'chat_template.jinja', 'chat_template.json'],
  ...TOKENIZER_FILES,
])

/** Whether a file of this name belongs to a model. */
export const isModelFile = (name: string): boolean =>
  NAMES.has(name) || /^[\w.-]+\.safetensors(\.index\.json)?$/.test(name)

/**
 * Folders by the names that they are served under: that of the folder, with a number where several have the same.
 *
 * @throws UserError where one is no model
 */
export async function namedModels(folders: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const named = new Map<string, string>()
  for (const folder of folders) {
    if (!(await exists(folder))) throw new UserError(`${folder} does not exist; name the folder of a model`)
    const names = await readdir(folder).catch((): string[] => [])
    if (!isModel(names))
      throw new UserError(
        `${folder} is no model: it lacks ${names.includes('config.json') ? 'weights (*.safetensors)' : 'config.json'}; name a folder with config.json, *.safetensors and tokenizer.json, such as "ortune merge" writes`,
      )
    const name =
      basename(resolve(folder))
        .replaceAll(/[^\w.-]+/g, '-')
        .replace(/^\.+/, '') || 'model'
    let free = name
    for (let number = 2; named.has(free); number++) free = `${name}-${number}`
    named.set(free, folder)
  }
  return named
}

/** `models.json`, and the files of each under `models/<name>/`. */
export async function modelRoutes(models: ReadonlyMap<string, string>): Promise<Route[]> {
  const list: Route = async ({ names }, response) =>
    names.join('/') === 'models.json' && endJson(response, await describeModels(models))
  const folders = [...models].map(async ([name, folder]) =>
    folderRoute(folder, { under: ['models', name], serves: isModelFile, linked: await hubBlobs(folder) }),
  )
  return [list, ...(await Promise.all(folders))]
}

/** What there is of them now: of each the files that are served; of one without configuration or weights nothing. */
export async function describeModels(models: ReadonlyMap<string, string>): Promise<ServedModels> {
  const described = [...models].map(async ([name, folder]) => ({ name, ...(await filesOf(folder)) }))
  return {
    models: (await Promise.all(described))
      .filter(({ files }) => isModel(Object.keys(files)))
      .map(({ name, files }) => ({ name, files })),
  }
}

/** A sentence for each model of which a file is not served. */
export async function leftOut(models: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const said = [...models.values()].map(async (folder) => {
    const { files, others } = await filesOf(folder)
    if (others.length === 0) return []
    const names = others.join(', ')
    const what = isModel(Object.keys(files)) ? names : `the model with ${names}`
    return `${folder}: ${what} is left out, as no file or a link that leads nowhere or out of the folder; copy there what belongs to the model`
  })
  return (await Promise.all(said)).flat()
}

const isModel = (names: readonly string[]): boolean =>
  names.includes('config.json') && names.some((name) => name.endsWith('.safetensors'))

/** Sizes of the files of a model that are served, and the names of others that should be. */
async function filesOf(folder: string): Promise<Pick<ServedModel, 'files'> & { others: string[] }> {
  const names = (await readdir(folder).catch((): string[] => [])).filter(isModelFile).sort()
  const linked = await hubBlobs(folder)
  const found = await Promise.all(
    names.map(async (name) => ({ name, size: (await fileIn(folder, [name], linked))?.size })),
  )
  return {
    files: Object.fromEntries(found.flatMap(({ name, size }) => (size === undefined ? [] : [[name, size]]))),
    others: found.filter(({ size }) => size === undefined).map(({ name }) => name),
  }
}
