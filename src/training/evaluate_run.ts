/**
 * How good a run's model is on the data that the run has prepared.
 * @module
 */
import { join } from 'node:path'

import { backboneShapes, headShapes } from '../../graphs/models/classifier.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2_config.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { loraParameterShapes } from '../../graphs/models/lora_config.ts'
import type { ArrowDataset } from '../data/arrow_reader.ts'
import { NO_LOSS } from '../data/encode.ts'
import type { Split } from '../data/splits.ts'
import { UserError } from '../errors.ts'
import type { CheckpointName, FoundModel } from '../formats/find_model.ts'
import { findModel } from '../formats/find_model.ts'
import { readGpt2Config } from '../formats/gpt2_config.ts'
import type { Manifest } from '../formats/manifest.ts'
import { readManifest } from '../formats/manifest.ts'
import { openGpt2Folder } from '../formats/model_folder.ts'
import { readEntries } from '../formats/safetensors.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import { loraScale } from '../generation/adapter_inputs.ts'
import { trainedFeeds } from '../generation/trained_feeds.ts'
import type { ClassificationReport } from '../metrics/classification.ts'
import { countWords, perplexity } from '../metrics/perplexity.ts'
import { openNodeSession } from '../runtime/node.ts'
import type { Feeds } from '../runtime/session.ts'
import { loadTokenizer } from '../text/tokenizer.ts'
import type { CausalLmEvaluation } from './causal_lm.ts'
import { evaluateCausalLm } from './causal_lm.ts'
import { evaluateClassification } from './classification.ts'
import { openSplit } from './open_split.ts'
import { readRunConfig } from './run.ts'

interface Evaluated {
  readonly run: string
  readonly checkpoint: CheckpointName
  readonly split: Split
  readonly examples: number
}

export interface LanguageModelEvaluation extends Evaluated, CausalLmEvaluation {
  readonly task: 'sft'
  /** exp of the loss per word of the text that carries loss; it compares models with different tokenizers. */
  readonly perplexityPerWord: number
}

export interface ClassifierEvaluation extends Evaluated {
  readonly task: 'classification'
  readonly loss: number
  readonly report: ClassificationReport
}

export type RunEvaluation = LanguageModelEvaluation | ClassifierEvaluation

/**
 * Evaluates a checkpoint of a run on one of its splits.
 *
 * @param checkpoint by default the best, or what there is
 * @throws UserError where the folder is no run, or has no such checkpoint or split
 */
export async function evaluateRun(
  run: string,
  split: Split,
  checkpoint?: CheckpointName,
): Promise<RunEvaluation> {
  const dataset = await openSplit(run, split)
  try {
    const model = await findModel(run, { checkpoint })
    const about = { run, checkpoint: model.checkpoint!, split, examples: dataset.size }
    return { ...about, ...(await evaluateModel(run, model, dataset)) }
  } finally {
    dataset.close()
  }
}

async function evaluateModel(run: string, model: FoundModel, dataset: ArrowDataset) {
  const { provider, threads, per_device_eval_batch_size: batchSize } = await readRunConfig(run)
  const manifest = await readManifest(run)
  const parameters = await parametersOf(model, manifest, await readGpt2Config(run))
  const session = await openNodeSession(join(run, 'eval_model.onnx'), {
    provider,
    ...(threads ? { threads } : {}),
  })
  try {
    if (manifest.head) {
      const options = { batchSize, pooling: manifest.head.pooling }
      const result = await evaluateClassification(session, parameters, dataset, options)
      return { task: 'classification' as const, ...result }
    }
    const result = await evaluateCausalLm(session, parameters, dataset, batchSize)
    const words = await labelledWords(run, dataset)
    const perplexityPerWord = perplexity(result.loss * result.labelledTokens, words)
    return { task: 'sft' as const, ...result, perplexityPerWord }
  } finally {
    await session.release()
  }
}

/** Words of the text that carries loss. */
async function labelledWords(run: string, dataset: ArrowDataset): Promise<number> {
  const tokenizer = await loadTokenizer(run)
  let words = 0
  for (let row = 0; row < dataset.size; row++) {
    const ids = dataset.row(row).labels.filter((id) => id !== NO_LOSS && id !== tokenizer.eosId)
    words += countWords(tokenizer.decode([...ids]))
  }
  return words
}

/** The evaluation graph's inputs for a checkpoint; for the base of a language model, adapters that are switched off. */
async function parametersOf(model: FoundModel, { lora, head }: Manifest, config: Gpt2Config): Promise<Feeds> {
  if (head && model.checkpoint === 'base')
    throw new UserError(`${model.base}: the model before training has no head; choose best or last`)
  if (lora === 'full') {
    const shapes = head
      ? new Map([...backboneShapes(config), ...headShapes(config, head.classes.length)])
      : gpt2ParameterShapes(config)
    const { weights, tensors } = await openGpt2Folder(model.base, () => shapes)
    return tensorFeeds(await readEntries(weights, tensors))
  }
  if (lora !== 'none' && model.adapter === undefined) return adapterOff(config, lora)
  return (await trainedFeeds(model, config)).feeds
}

function adapterOff(config: Gpt2Config, lora: LoraConfig): Feeds {
  const zeros = [...loraParameterShapes(gpt2ParameterShapes(config), lora)].map(([name, shape]) => {
    const data = new Float32Array(shape.reduce((product, dimension) => product * dimension, 1))
    return [name, { shape, data }] as const
  })
  return { ...tensorFeeds(new Map(zeros)), ...loraScale(0) }
}
