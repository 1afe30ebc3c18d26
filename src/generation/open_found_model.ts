/**
 * From a model that was found to a session: the graph is built in memory around what the model consists of.
 * @module
 */
import type { ExternalData, Graph } from '../../graphs/ir/graph.ts'
import type { Adaptation } from '../../graphs/models/adaptation.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import type { FoundModel } from '../formats/find_model.ts'
import { openGpt2Folder } from '../formats/model_folder.ts'
import type { NodeSessionOptions } from '../runtime/node.ts'
import type { Feeds, Session } from '../runtime/session.ts'
import { openGraph } from './open_graph.ts'
import { besideShapes, trainedFeeds } from './trained_feeds.ts'

/** What a graph is built from. */
export interface GraphParts {
  readonly config: Gpt2Config
  readonly lora: Adaptation
  readonly npt: NptConfig | null
  /** Where the parameters lie; undefined: all of them are to be inputs. */
  readonly stored: ReadonlyMap<string, ExternalData> | undefined
}

export interface OpenModel {
  readonly config: Gpt2Config
  readonly session: Session
  /** To be fed with every run. */
  readonly parameters: Feeds
}

/**
 * Opens a graph for a model with all that was trained beside it.
 *
 * @param shapesOf the base model's parameters
 * @throws UserError where the model's parts cannot be read or do not fit each other
 */
export async function openFoundModel(
  found: FoundModel,
  shapesOf: (config: Gpt2Config) => ParameterShapes,
  build: (parts: GraphParts) => Graph,
  options: Pick<NodeSessionOptions, 'provider' | 'threads'> = {},
): Promise<OpenModel> {
  const { base, adapter, trained, npt = null } = found
  // What lies in the model's own file: an adapter comes with the head, but not with the plastic blocks below it.
  const whole = adapter === undefined ? found : { npt: found.npt }
  const model = await openGpt2Folder(
    base,
    (config) => new Map([...shapesOf(config), ...(trained === undefined ? besideShapes(whole, config) : [])]),
  )
  const { config } = model
  const { lora = 'none', feeds } = await trainedFeeds(found, config)
  const opened = await openGraph(base, model, (stored) => build({ config, lora, npt, stored }), options)
  return { config, session: opened.session, parameters: { ...opened.constants, ...feeds } }
}

/** Uses an open model, and releases it. */
export async function withModel<T>(
  { session, parameters }: OpenModel,
  use: (session: Session, parameters: Feeds) => Promise<T>,
): Promise<T> {
  try {
    return await use(session, parameters)
  } finally {
    await session.release()
  }
}
