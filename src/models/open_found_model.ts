/**
 * From a model that was found to a session: the graph is built in memory around what the model consists of.
 * @module
 */
import { join } from 'node:path'

import { checkWrites } from '../formats/parse_model_config.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { backboneShapes } from '../../graphs/models/encoder.ts'
import type { GraphRequest } from '../../graphs/models/graph_request.ts'
import { isPooled } from '../../graphs/models/head.ts'
import { ownShapes } from '../../graphs/models/own_shapes.ts'
import { openFrozenFolder } from '../formats/frozen_weights.ts'
import { readStored } from '../formats/read_stored.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Feeds, Session, Tensors } from '../runtime/session.ts'
import type { FoundModel } from './find_model.ts'
import { headOf } from './find_model.ts'
import { openGraph } from './open_graph.ts'
import { besideShapes, trainedFeeds } from './trained_feeds.ts'

/** A graph that is open on a model. */
export interface OpenModel {
  readonly config: ModelConfig
  readonly session: Session
  /** To be fed with every run. */
  readonly parameters: Feeds
}

/**
 * Opens a graph for a model with all that was trained beside it.
 *
 * @throws UserError where the model's parts cannot be read or do not fit each other
 */
export async function openFoundModel(
  found: FoundModel,
  build: (request: GraphRequest) => Graph,
  runtime: Runtime,
): Promise<OpenModel> {
  const { base, adapter, trained, npt = null } = found
  const pooled = isPooled(headOf(found))
  // What lies in the model's own file: an adapter comes with the head, but not with the plastic blocks below it.
  const whole = adapter === undefined ? found : { npt: found.npt }
  const model = await openFrozenFolder(base, (config) => {
    if (!pooled) checkWrites(config, join(base, 'config.json'))
    return new Map([
      ...(pooled ? backboneShapes(config) : ownShapes(config)),
      ...(trained === undefined ? besideShapes(whole, config) : []),
    ])
  })
  const { config } = model
  const { lora = 'none', feeds } = await trainedFeeds(found, config)
  const opened = await openGraph(base, model, (stored) => build({ config, lora, npt, stored }), runtime)
  const { session, constants } = opened
  try {
    // A head in the model's own file, where the graph takes it as an input, as those of training and evaluation do.
    const asked = [...besideShapes(whole, config).keys()].filter((name) => session.inputNames.includes(name))
    const stored = asked.filter((name) => !(name in feeds) && model.tensors.has(name))
    const own = await readStored(new Map(stored.map((name) => [name, model.tensors.get(name)!])))
    return { config, session, parameters: { ...constants, ...feeds, ...tensorFeeds(own) } }
  } catch (error) {
    await session.release()
    throw error
  }
}

/** Uses an open model, and releases it. */
export async function withModel<T>(
  { session, parameters }: Pick<OpenModel, 'session' | 'parameters'>,
  use: (session: Session, parameters: Tensors) => Promise<T>,
): Promise<T> {
  try {
    return await use(session, parameters)
  } finally {
    await session.release()
  }
}
