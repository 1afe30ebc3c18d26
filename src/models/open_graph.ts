/**
 * Opens a graph that is built in memory and reads a model folder's own weight file.
 * @module
 */
import { realpath } from 'node:fs/promises'
import { basename, dirname } from 'node:path'

import type { HalfType } from '../../graphs/ir/dtype.ts'
import { isHalf } from '../../graphs/ir/dtype.ts'
import type { ExternalData, Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { halfTypeOf, withFloat32Arithmetic } from '../../graphs/lowering.ts'
import { withWideWeights } from '../../graphs/wide_weights.ts'
import { UserError } from '../errors.ts'
import { externalData, readableInPlace } from '../formats/external_data.ts'
import type { ModelFolder } from '../formats/model_folder.ts'
import { filesOf, readStored } from '../formats/weight_files.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import type { HalfTypes, OpenOptions, Runtime } from '../runtime/runtime.ts'
import { STORED_ALONE } from '../runtime/runtime.ts'
import type { Feeds, Session } from '../runtime/session.ts'
import { finiteSession } from './finite_session.ts'

export interface OpenGraph {
  readonly session: Session
  /** To be fed with every run: the weights, where they are not of float32 in files side by side. */
  readonly constants: Feeds
}

/** How a runtime deals with a graph that has numbers of 16 bits; undefined: as it is, or as there are none. */
export type Widening = 'arithmetic' | 'weights'

/**
 * A graph as a runtime computes it: arithmetic of 16 bits that it does not have in float32, and weights that it cannot keep in 16 bits
 * widened once, when the session is opened.
 *
 * @throws UserError where it has neither arithmetic nor storage of the graph's type
 */
export async function computable(
  graph: Graph,
  runtime: Runtime,
): Promise<{ readonly graph: Graph; readonly widened?: Widening }> {
  const dtype = halfTypeOf(graph)
  const { arithmetic, storage } = await halfTypesFor(dtype, runtime)
  if (dtype && !arithmetic.includes(dtype))
    return { graph: withFloat32Arithmetic(graph), widened: 'arithmetic' }
  if (keptHalves(graph).every((kept) => storage.includes(kept))) return { graph }
  return { graph: withWideWeights(graph), widened: 'weights' }
}

/**
 * What a runtime does with numbers of 16 bits.
 *
 * @throws UserError where it has neither arithmetic nor storage of the type that is wanted
 */
export async function halfTypesFor(wanted: HalfType | undefined, runtime: Runtime): Promise<HalfTypes> {
  const types = (await runtime.halfTypes?.()) ?? STORED_ALONE
  const { arithmetic, storage } = types
  if (wanted && !arithmetic.includes(wanted) && !storage.includes(wanted))
    throw new UserError(
      `the provider has no ${wanted} on this device; use precision ${arithmetic.length > 0 ? 'fp16 or ' : ''}fp32, or the provider cuda or cpu`,
    )
  return types
}

/** The types of 16 bits that a graph's weights are kept in. */
const keptHalves = ({ initializers }: Graph): HalfType[] =>
  initializers.flatMap(({ value: { dtype }, overridable }) => (overridable && isHalf(dtype) ? [dtype] : []))

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
