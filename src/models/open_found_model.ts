/**
 * From a model that was found to a session: the graph is built in memory around what the model consists of.
 * @module
 */
import type { ExternalData, Graph } from '../../graphs/ir/graph.ts'
import type { Adaptation } from '../../graphs/models/adaptation.ts'
import type { EncoderConfig } from '../../graphs/models/encoder.ts'
import { backboneShapes } from '../../graphs/models/encoder.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import type { FoundModel } from './find_model.ts'
import type { ModelFolder } from '../formats/model_folder.ts'
import { openGpt2Folder, openModelFolder } from '../formats/model_folder.ts'
import type { NodeSessionOptions } from '../runtime/node.ts'
import type { Feeds, Session } from '../runtime/session.ts'
import { readEntries } from '../formats/safetensors.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import { openGraph } from './open_graph.ts'
import { besideShapes, trainedFeeds } from './trained_feeds.ts'

/** What a graph is built from. */
export interface GraphParts<Config extends EncoderConfig = Gpt2Config> {
  readonly config: Config
  readonly lora: Adaptation
  readonly npt: NptConfig | null
  /** Where the parameters lie; undefined: all of them are to be inputs. */
  readonly stored: ReadonlyMap<string, ExternalData> | undefined
}

export interface OpenModel<Config extends EncoderConfig = Gpt2Config> {
  readonly config: Config
  readonly session: Session
  /** To be fed with every run. */
  readonly parameters: Feeds
}

type Options = Pick<NodeSessionOptions, 'provider' | 'threads'>

/**
 * Opens a graph for a GPT-2 with all that was trained beside it.
 *
 * @param shapesOf the base model's parameters
 * @throws UserError where the model's parts cannot be read or do not fit each other
 */
export const openFoundModel = (
  found: FoundModel,
  shapesOf: (config: Gpt2Config) => ParameterShapes,
  build: (parts: GraphParts) => Graph,
  options: Options = {},
): Promise<OpenModel> => open(openGpt2Folder, found, shapesOf, build, options)

/** The same for a model below a head, which may be a BERT. */
export const openFoundEncoder = (
  found: FoundModel,
  build: (parts: GraphParts<EncoderConfig>) => Graph,
  options: Options = {},
): Promise<OpenModel<EncoderConfig>> => open(openModelFolder, found, backboneShapes, build, options)

async function open<Config extends EncoderConfig>(
  openFolder: (folder: string, shapesOf: (config: Config) => ParameterShapes) => Promise<ModelFolder<Config>>,
  found: FoundModel,
  shapesOf: (config: Config) => ParameterShapes,
  build: (parts: GraphParts<Config>) => Graph,
  options: Options,
): Promise<OpenModel<Config>> {
  const { base, adapter, trained, npt = null } = found
  // What lies in the model's own file: an adapter comes with the head, but not with the plastic blocks below it.
  const whole = adapter === undefined ? found : { npt: found.npt }
  const model = await openFolder(
    base,
    (config) => new Map([...shapesOf(config), ...(trained === undefined ? besideShapes(whole, config) : [])]),
  )
  const { config } = model
  const { lora = 'none', feeds } = await trainedFeeds(found, config)
  const opened = await openGraph(base, model, (stored) => build({ config, lora, npt, stored }), options)
  const { session, constants } = opened
  // A head in the model's own file, where the graph takes it as an input, as those of training and evaluation do.
  const asked = [...besideShapes(whole, config).keys()].filter((name) => session.inputNames.includes(name))
  const stored = asked.filter((name) => !(name in feeds) && model.tensors.has(name))
  const own = await readEntries(
    model.weights,
    new Map(stored.map((name) => [name, model.tensors.get(name)!])),
  )
  return { config, session, parameters: { ...constants, ...feeds, ...tensorFeeds(own) } }
}

/** Uses an open model, and releases it. */
export async function withModel<T>(
  { session, parameters }: Pick<OpenModel, 'session' | 'parameters'>,
  use: (session: Session, parameters: Feeds) => Promise<T>,
): Promise<T> {
  try {
    return await use(session, parameters)
  } finally {
    await session.release()
  }
}
