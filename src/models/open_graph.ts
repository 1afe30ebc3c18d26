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
import { readEntries } from '../formats/safetensors.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import type { OpenOptions, Runtime } from '../runtime/runtime.ts'
import type { Feeds, Session } from '../runtime/session.ts'
import { finiteSession } from './finite_session.ts'

export interface OpenGraph {
  readonly session: Session
  /** To be fed with every run: the weights, where their type is not float32 and they had to be converted. */
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
  const weights = await realpath(model.weights)
  const inPlace = readableInPlace(model)
  const graph = build(inPlace ? externalData(model.tensors, basename(weights)) : undefined)
  const session = await runtime.open(serialize(graph), {
    ...options,
    name,
    externalFolder: dirname(weights),
  })
  const constants = inPlace ? {} : tensorFeeds(await readEntries(weights, model.tensors))
  return { session: finiteSession(session, name), constants }
}
