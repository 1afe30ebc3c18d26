/**
 * Models that a page can load: each is a folder, of which the files of a model are served and nothing else.
 * @module
 */
import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'

import { UserError } from '../errors.ts'
import { exists } from '../formats/read_file.ts'
import { TOKENIZER_FILES } from '../formats/tokenizer_files.ts'
import { folderRoute, hubBlobs } from './folder.ts'
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
    if (!names.includes('config.json') || !names.some((name) => name.endsWith('.safetensors')))
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

/** What there is of them now. */
export async function describeModels(models: ReadonlyMap<string, string>): Promise<ServedModels> {
  const described = [...models].map(async ([name, folder]): Promise<ServedModel> => {
    const names = (await readdir(folder).catch((): string[] => [])).filter(isModelFile).sort()
    const sizes = names.map(async (file): Promise<[string, number]> => [
      file,
      (await stat(join(folder, file))).size,
    ])
    return { name, files: Object.fromEntries(await Promise.all(sizes)) }
  })
  return { models: await Promise.all(described) }
}
