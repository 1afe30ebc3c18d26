/**
 * Permanent updates (NPT's phase 3): what a text folds into the weights, as a LoRA adapter.
 *
 * ΔW̄ = A·diag(m̄)·B is of rank r, so it *is* an adapter on the MLP's first layer: lora_A = Aᵀ, lora_B = (diag(m̄)·B)ᵀ, scale 1. Every tool
 * that reads adapters applies it, merging makes it permanent, and leaving it out undoes it. Several texts add up:
 * Σᵢ A·diag(m̄ᵢ)·B = A·diag(Σᵢ m̄ᵢ)·B.
 * @module
 */
import { factsOf, familyOf } from '../../graphs/models/family.ts'
import { adapterScale } from '../../graphs/models/lora_config.ts'
import { sftEvaluationGraph } from '../../graphs/tasks/sft.ts'
import { plasticGraph } from '../../graphs/tasks/consolidation.ts'
import { plasticLayers } from '../../graphs/models/npt_config.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import { collate, collateTokens, totalLabelled } from '../data/batches/collate.ts'
import { UserError } from '../errors.ts'
import type { CheckpointName } from '../models/find_model.ts'
import { findModel } from '../models/find_model.ts'
import { readRunManifest } from '../runs/run_manifest.ts'
import type { PeftAdapter } from '../formats/peft.ts'
import type { FloatTensor } from '../formats/safetensors.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import { loraScale } from '../runtime/feeds.ts'
import { openFoundModel } from '../models/open_found_model.ts'
import type { Feeds } from '../runtime/session.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { evaluateSft } from '../tasks/sft.ts'
import type { Device } from '../runtime/device.ts'
import { nodeRuntime } from '../runtime/node_runtime.ts'
import { asLanguageModel } from '../tasks/language_model.ts'
import type { Fold } from '../tasks/consolidation_task.ts'
import { foldWeights } from '../tasks/consolidation.ts'

export interface Consolidator {
  readonly tokenizer: Tokenizer
  /** Longest text, in tokens. */
  readonly context: number
  /** The update that texts (token ids) fold together. */
  consolidate(texts: readonly (readonly number[])[]): Promise<PeftAdapter>
  /** m̄ of a text, [plastic blocks, rank]. */
  modulation(text: readonly number[]): Promise<Float32Array>
  /** The update of an m̄, [plastic blocks, rank]. */
  update(folded: Float32Array): PeftAdapter
  /** log p of each text's tokens after the first, in nats; of the model as it was, or with an update. */
  logProbabilities(texts: readonly (readonly number[])[], update?: PeftAdapter): Promise<number[]>
  /** Perplexity per labelled token of a data set; of the model as it was, or with an update. */
  perplexity(dataset: DataSet, update?: PeftAdapter): Promise<number>
  release(): Promise<void>
}

export interface ConsolidatorOptions extends Device {
  readonly checkpoint?: CheckpointName | undefined
  /** By default as the run was trained, or the mean. */
  readonly fold?: Fold | undefined
  /** m̄ is multiplied by it; 1 by default. */
  readonly strength?: number
}

const BATCH = 32

/** @throws UserError where the folder has no trained plastic blocks */
export async function openConsolidator(
  run: string,
  { checkpoint, fold, strength = 1, ...device }: ConsolidatorOptions = {},
): Promise<Consolidator> {
  const found = await findModel(run, { checkpoint })
  const { base, npt } = found
  if (!npt || found.trained === undefined)
    throw new UserError(`${run} has no trained plastic blocks; name a run of NPT`)
  const { options } = await readRunManifest(base)
  const how = fold ?? ('fold' in options ? (options.fold as Fold) : 'mean')
  const tokenizer = await loadTokenizer(base)
  const plastic = await openFoundModel(
    found,
    (request) => plasticGraph({ ...asLanguageModel(request), npt }),
    nodeRuntime(device),
  )
  const { config } = plastic
  const layers = plasticLayers(config, npt)
  const modules = layers.map((layer) => familyOf(config).plastic!.module(layer))
  const lora = { r: npt.rank, lora_alpha: npt.rank, target_modules: modules }
  const changed = await openFoundModel(
    { base },
    (request) => sftEvaluationGraph({ ...asLanguageModel(request), lora }),
    nodeRuntime(device),
  )

  const none = adapterOf(new Float32Array(layers.length * npt.rank))
  const feedsOf = (update: PeftAdapter = none): Feeds => ({
    ...changed.parameters,
    ...tensorFeeds(update.tensors),
    ...loraScale(adapterScale(update)),
  })

  async function modulation(text: readonly number[]): Promise<Float32Array> {
    const { feeds } = collateTokens([[exampleOf(text)]])
    const fold_weights = foldWeights(feeds['attention_mask']!, how)
    const { modulations } = await plastic.session.run({ ...feeds, fold_weights, ...plastic.parameters })
    return (modulations!.data as Float32Array).map((value) => strength * value)
  }

  /** @param folded m̄ [plastic blocks, rank] */
  function adapterOf(folded: Float32Array): PeftAdapter {
    const tensors = new Map<string, FloatTensor>()
    modules.forEach((module, block) => {
      const part = (name: string) => plastic.parameters[`${module}.npt_${name}`]!.data as Float32Array
      const m = folded.subarray(block * npt!.rank, (block + 1) * npt!.rank)
      const [A, B] = [part('A'), part('B')]
      const [inner, outer] = [A.length / m.length, B.length / m.length]
      const loraA = transposed(A, inner, m.length)
      const loraB = transposed(
        B.map((value, i) => value * m[Math.floor(i / outer)]!),
        m.length,
        outer,
      )
      tensors.set(`${module}.lora_A.weight`, { shape: [m.length, inner], data: loraA })
      tensors.set(`${module}.lora_B.weight`, { shape: [outer, m.length], data: loraB })
    })
    return { ...lora, baseModel: base, tensors }
  }

  return {
    tokenizer,
    context: factsOf(config).context,
    async consolidate(texts) {
      const sum = new Float32Array(layers.length * npt.rank)
      for (const text of texts) (await modulation(text)).forEach((value, i) => (sum[i] = sum[i]! + value))
      return adapterOf(sum)
    },
    modulation,
    update: adapterOf,
    async logProbabilities(texts, update) {
      const results: number[] = []
      for (let start = 0; start < texts.length; start += BATCH) {
        const sequences = texts.slice(start, start + BATCH).map((text) => [exampleOf(text)])
        const total = totalLabelled(sequences.flat())
        const { nll } = await changed.session.run({ ...collate(sequences, { total }), ...feedsOf(update) })
        let at = 0
        for (const [example] of sequences) {
          const count = totalLabelled([example!])
          const values = (nll!.data as Float32Array).subarray(at, (at += count))
          results.push(-values.reduce((sum, value) => sum + value, 0))
        }
      }
      return results
    },
    perplexity: async (dataset, update) =>
      (await evaluateSft(changed.session, feedsOf(update), dataset, BATCH)).perplexity,
    async release() {
      await plastic.session.release()
      await changed.session.release()
    },
  }
}

function exampleOf(text: readonly number[]) {
  const input_ids = Int32Array.from(text)
  return { input_ids, labels: input_ids }
}

/** Rows and columns exchanged. */
function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = data[row * columns + column]!
  return result
}
