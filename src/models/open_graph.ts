/**
 * Opens a graph that is built in memory and reads a model folder's own weight file.
 * @module
 */
import { realpath } from 'node:fs/promises'
import { basename, dirname } from 'node:path'

import type { ExternalData, Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { externalData, readableInPlace } from '../formats/external_data.ts'
import type { ModelFolder } from '../formats/model_folder.ts'
import { filesOf } from '../formats/weight_files.ts'
import { readStored } from '../formats/read_stored.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import type { OpenOptions, Runtime } from '../runtime/runtime.ts'
import type { Feeds, Session } from '../runtime/session.ts'
import { computable } from './computable.ts'
import { finiteSession } from './finite_session.ts'

export interface OpenGraph {
  readonly session: Session
  /** To be fed with every run: the weights, where they are not of float32 in files side by side. */
  readonly constants: Feeds
}

/**
 * Opens a graph for a model's weights.
 *
 * @param name what errors call the model
 * @param build makes the graph, given where the parameters lie; undefined: all of them are to be inputs
 * @throws UserError where the weights cannot be read
 */
export async function openGraph(
  name: string,
  model: ModelFolder,
  build: (stored: ReadonlyMap<string, ExternalData> | undefined) => Graph,
  runtime: Runtime,
  options: OpenOptions = {},
): Promise<OpenGraph> {
  const paths = new Map<string, string>()
  for (const file of filesOf(model.tensors)) paths.set(file, await realpath(file))
  const folders = new Set([...paths.values()].map((path) => dirname(path)))
  const inPlace = readableInPlace(model) && folders.size === 1
  const graph = build(inPlace ? externalData(model.tensors, (file) => basename(paths.get(file)!)) : undefined)
  const session = await runtime.open(serialize((await computable(graph, runtime)).graph), {
    ...options,
    name,
    ...(inPlace ? { externalFolder: [...folders][0]! } : {}),
  })
  const constants = inPlace ? {} : tensorFeeds(await readStored(model.tensors))
  return { session: finiteSession(session, name), constants }
}
