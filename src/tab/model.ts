/**
 * A model in a tab: what a folder of transformers has, from files that a page was given.
 * @module
 */
import type { ExternalData, Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { UserError } from '../errors.ts'
import { externalData, readableInPlace } from '../formats/external_data.ts'
import type { FloatTensor } from '../formats/float_tensor.ts'
import type { GenerationConfig } from '../formats/generation_config.ts'
import { readGenerationConfig } from '../formats/generation_config.ts'
import { openTrainableFiles } from '../formats/model_files.ts'
import { openTokenizer } from '../formats/open_tokenizer.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import { filesOf, readStoredOf } from '../formats/weight_files.ts'
import { computable } from '../models/computable.ts'
import { finiteSession } from '../models/finite_session.ts'
import type { OpenOptions, Runtime } from '../runtime/runtime.ts'
import type { Feeds, Session } from '../runtime/session.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import type { BlobFiles } from './blob_files.ts'
import { bytesOf } from '../formats/byte_file.ts'

export interface TabModel {
  readonly files: BlobFiles
  readonly config: ModelConfig
  readonly tokenizer: Tokenizer
  /** What its files say of writing. */
  readonly generation: GenerationConfig
  /** Its parameters, as float32. */
  stored(): Promise<ReadonlyMap<string, FloatTensor>>
  /**
   * Opens a graph on its weights.
   *
   * @param what what errors call the graph
   * @param build makes it, given where the parameters lie; undefined: all of them are to be inputs
   * @returns `constants` are to be fed with every run
   */
  openGraph(
    what: string,
    build: (stored: ReadonlyMap<string, ExternalData> | undefined) => Graph | Promise<Graph>,
    runtime: Runtime,
    options?: OpenOptions,
  ): Promise<{ readonly session: Session; readonly constants: Feeds }>
}

/** In bytes: WebAssembly addresses 4 GiB, and the weights lie there beside what is computed. */
const MOST_WEIGHTS = 2 ** 31

/**
 * Opens a model.
 *
 * @throws UserError where the files are not those of a model, or larger than a tab can hold
 */
export async function openTabModel(files: BlobFiles): Promise<TabModel> {
  const { config, tensors } = await openTrainableFiles(files)
  const places = new Map<string, string>()
  for (const name of await files.names()) places.set(files.path(name), name)
  const weights = filesOf(tensors).map((path) => places.get(path)!)
  const bytes = weights.reduce((sum, name) => sum + files.blob(name).size, 0)
  if (bytes > MOST_WEIGHTS)
    throw new UserError(
      `${files.where} has ${(bytes / 2 ** 30).toFixed(1)} GiB of weights, and a tab can hold ${MOST_WEIGHTS / 2 ** 30} GiB; use a smaller model, or train it with Node`,
    )
  const inPlace = readableInPlace({ tensors })
  return {
    files,
    config,
    tokenizer: await openTokenizer(files),
    generation: await readGenerationConfig(files),
    stored: () => readStoredOf(files, tensors),
    async openGraph(what, build, runtime, options) {
      const name = `${what} of ${files.where}`
      const graph = await build(inPlace ? externalData(tensors, (path) => places.get(path)!) : undefined)
      const used = inPlace ? weights : []
      const data = await Promise.all(
        used.map(async (path) => ({ path, data: await bytesOf(files.path(path), files.blob(path)) })),
      )
      const session = await runtime.open(serialize((await computable(graph, runtime)).graph), {
        // The weights are there once, in no second layout.
        prepacking: false,
        ...options,
        name,
        externalData: data,
      })
      const constants = inPlace ? {} : tensorFeeds(await readStoredOf(files, tensors))
      return { session: finiteSession(session, name), constants }
    },
  }
}
