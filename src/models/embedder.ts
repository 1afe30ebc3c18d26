/**
 * Texts as vectors, to ask how near one text is to another.
 * @module
 */
import { join } from 'node:path'

import { factsOf } from '../../graphs/models/family.ts'
import { embeddingGraph } from '../../graphs/inference/embedding.ts'
import { backboneShapes } from '../../graphs/models/encoder.ts'
import { collateTokens } from '../data/batches/collate.ts'
import { findModel } from './find_model.ts'
import { standingRun } from '../formats/curriculum.ts'
import { openLanguageModelFolder } from '../formats/model_folder.ts'
import { exists } from '../formats/read_file.ts'
import type { Device } from '../runtime/device.ts'
import { nodeRuntime } from '../runtime/node_runtime.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { mapByLength } from '../generation/by_length.ts'
import { openGraph } from './open_graph.ts'

export interface Embedder {
  /** What reports call it. */
  readonly name: string
  /** One vector per text, all of the same width; zeros for an empty text. */
  embed(texts: readonly string[]): Promise<Float32Array[]>
  release(): Promise<void>
}

export interface EmbedderOptions extends Device {
  /** Texts that are embedded together. Default 32. */
  readonly batch?: number
}

const NO_LABELS = new Int32Array(0)

/**
 * The mean of a model's hidden states after its last layer norm, over the tokens of a text. Of a text that is longer than
 * the model's context only the beginning counts.
 *
 * @param folder a model, or a run or checkpoint; of these the base model is taken, so that runs that start from the same
 * model are judged by the same vectors
 * @throws UserError where the folder holds no model
 */
export async function openModelEmbedder(named: string, options: EmbedderOptions = {}): Promise<Embedder> {
  const folder = await standingRun(named)
  const { batch, ...device } = options
  const isRun = await exists(join(folder, 'ortune.json'))
  const { base } = await findModel(folder, isRun ? { checkpoint: 'base' } : {})
  const model = await openLanguageModelFolder(base, backboneShapes)
  const { config } = model
  const { context, width } = factsOf(config)
  const tokenizer = await loadTokenizer(base)
  const { session, constants } = await openGraph(
    base,
    model,
    (stored) => embeddingGraph({ config, stored }),
    nodeRuntime(device),
  )
  return {
    name: base,
    embed(texts) {
      const rows = texts.map((text) => Int32Array.from(tokenizer.encode(text).slice(0, context)))
      const embed = async (some: readonly Int32Array[]) => {
        const { feeds } = collateTokens(some.map((input_ids) => [{ input_ids, labels: NO_LABELS }]))
        const { embeddings } = await session.run({ ...feeds, ...constants })
        return embeddings!.data as Float32Array
      }
      return embedInBatches(rows, width, embed, batch)
    },
    release: () => session.release(),
  }
}

/**
 * Embeds items in batches of like length; empty ones are not computed and get zeros.
 *
 * @param embed gives the vectors of some items one after the other, [items, width]
 */
export async function embedInBatches<T extends { readonly length: number }>(
  items: readonly T[],
  width: number,
  embed: (some: readonly T[]) => Promise<Float32Array>,
  batch = 32,
): Promise<Float32Array[]> {
  const filled = items.filter(({ length }) => length > 0)
  const vectors = await mapByLength(filled, batch, async (some) => {
    const data = await embed(some)
    return some.map((_, row) => data.slice(row * width, (row + 1) * width))
  })
  const next = vectors.values()
  return items.map(({ length }) => (length > 0 ? next.next().value! : new Float32Array(width)))
}
