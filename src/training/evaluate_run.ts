/**
 * How good a run's model is on the data that the run has prepared.
 * @module
 */
import { evaluationGraph } from '../../graphs/artifacts/causal_lm.ts'
import { classificationEvaluationGraph } from '../../graphs/artifacts/classification.ts'
import { equivalenceEvaluationGraph } from '../../graphs/artifacts/equivalence.ts'
import { backboneShapes, HEAD, headShapes } from '../../graphs/models/classifier.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2_config.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { plasticLayers } from '../../graphs/models/npt_config.ts'
import type { ArrowDataset } from '../data/arrow_reader.ts'
import { NO_LOSS } from '../data/encode.ts'
import type { Split } from '../data/splits.ts'
import { UserError } from '../errors.ts'
import type { Classifier } from '../formats/classifier_config.ts'
import type { CheckpointName, FoundModel } from '../formats/find_model.ts'
import { findModel } from '../formats/find_model.ts'
import { readGpt2Config } from '../formats/gpt2_config.ts'
import { readManifest } from '../formats/manifest.ts'
import { openGpt2Folder } from '../formats/model_folder.ts'
import { readEntries } from '../formats/safetensors.ts'
import { tensorFeeds } from '../formats/tensor_feeds.ts'
import type { OpenModel } from '../generation/open_found_model.ts'
import { openFoundModel } from '../generation/open_found_model.ts'
import type { DecoderOptions } from '../generation/open_decoder.ts'
import { openTokenGenerator } from '../generation/open_token_generator.ts'
import { greedy } from '../generation/sampling.ts'
import type { ClassificationReport } from '../metrics/classification.ts'
import { countWords, perplexity } from '../metrics/perplexity.ts'
import type { Feeds, Session } from '../runtime/session.ts'
import { loadTokenizer } from '../text/tokenizer.ts'
import type { CausalLmEvaluation } from './causal_lm.ts'
import { evaluateCausalLm } from './causal_lm.ts'
import { evaluateClassification } from './classification.ts'
import type { EquivalenceEvaluation } from './equivalence.ts'
import { evaluateEquivalence } from './equivalence.ts'
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

export interface NptEvaluation extends Evaluated {
  readonly task: 'equivalence'
  /** Of phase 1; see the training graph. */
  readonly loss: number
  /** Per token of the text that carries loss: of the model with plastic blocks, and of the model as it was. */
  readonly perplexity: number
  readonly basePerplexity: number
  /** perplexity / basePerplexity */
  readonly ratio: number
  readonly blocks: readonly PlasticBlockReport[]
  /** KL(teacher‖student) per token in nats, where the loss has it. */
  readonly distillation: number | null
  /** What either model writes after the beginnings of some texts, greedily. */
  readonly samples: readonly PairedSample[]
}

export interface PairedSample {
  readonly prompt: string
  readonly base: string
  readonly plastic: string
}

export interface PlasticBlockReport {
  readonly layer: number
  /** Mean squared difference of the two blocks' outputs, per feature, and the mean cosine between them. */
  readonly mse: number
  readonly cosine: number
  /** (‖A‖_F + ‖B‖_F)/2 */
  readonly magnitude: number
  /** ‖ΔW‖_F over the tokens. */
  readonly updateNorm: NormDistribution
}

export interface NormDistribution {
  readonly mean: number
  readonly p10: number
  readonly p50: number
  readonly p90: number
  readonly max: number
}

export type RunEvaluation = LanguageModelEvaluation | ClassifierEvaluation | NptEvaluation

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

async function evaluateModel(run: string, found: FoundModel, dataset: ArrowDataset) {
  const { provider, threads, per_device_eval_batch_size: batchSize } = await readRunConfig(run)
  const options = { provider, ...(threads ? { threads } : {}) }
  const { head, equivalence } = await readManifest(run)
  if (found.checkpoint === 'base' && (head || equivalence))
    throw new UserError(
      `${run}: the model before training has no ${head ? 'head' : 'plastic blocks'}; choose best or last`,
    )
  if (head) {
    const task = { ...head, classes: head.classes.length }
    const opened = await openFoundModel(
      found,
      backboneShapes,
      (parts) => classificationEvaluationGraph({ ...parts, ...task }),
      options,
    )
    return withModel(opened, async (session, parameters) => {
      const { pooling } = head
      const feeds = { ...(await storedHead(found, head)), ...parameters }
      const result = await evaluateClassification(session, feeds, dataset, { batchSize, pooling })
      return { task: 'classification' as const, ...result }
    })
  }
  const languageModel = async (of: FoundModel) =>
    withModel(
      await openFoundModel(of, gpt2ParameterShapes, evaluationGraph, options),
      (session, parameters) => evaluateCausalLm(session, parameters, dataset, batchSize),
    )
  const result = await languageModel(found)
  if (equivalence) {
    const base = await languageModel({ base: found.base })
    const blocks = await withModel(
      await openFoundModel(
        found,
        gpt2ParameterShapes,
        (parts) => equivalenceEvaluationGraph({ ...parts, ...equivalence, npt: found.npt! }),
        options,
      ),
      (session, parameters) => evaluateEquivalence(session, parameters, dataset, batchSize),
    )
    return {
      task: 'equivalence' as const,
      loss: blocks.loss,
      perplexity: result.perplexity,
      basePerplexity: base.perplexity,
      ratio: result.perplexity / base.perplexity,
      blocks: blockReports(await readGpt2Config(run), found.npt!, blocks),
      distillation: blocks.distillation,
      samples: await pairedSamples(found, dataset, options),
    }
  }
  const words = await labelledWords(run, dataset)
  const perplexityPerWord = perplexity(result.loss * result.labelledTokens, words)
  return { task: 'sft' as const, ...result, perplexityPerWord }
}

/** The head of a classifier whose tensors all lie in one file; the evaluation graph takes it as an input. */
async function storedHead({ base, adapter, trained }: FoundModel, head: Classifier): Promise<Feeds> {
  if (adapter !== undefined || trained !== undefined) return {}
  const { weights, tensors } = await openGpt2Folder(
    base,
    (config) => new Map([...backboneShapes(config), ...headShapes(config, head.classes.length)]),
  )
  return tensorFeeds(await readEntries(weights, new Map([[HEAD, tensors.get(HEAD)!]])))
}

const SAMPLES = 5
const PROMPT_TOKENS = 6
const NEW_TOKENS = 24

/** Both models go on after the first tokens of some texts, evenly spread over the data. */
async function pairedSamples(
  found: FoundModel,
  dataset: ArrowDataset,
  options: DecoderOptions,
): Promise<PairedSample[]> {
  const count = Math.min(SAMPLES, dataset.size)
  const prompts = Array.from({ length: count }, (_, i) => {
    const { input_ids } = dataset.row(Math.floor((i * dataset.size) / count))
    return [...input_ids.subarray(0, Math.max(1, Math.min(PROMPT_TOKENS, input_ids.length - 1)))]
  })
  const write = async (model: FoundModel): Promise<string[]> => {
    const generator = await openTokenGenerator(model, options)
    try {
      const room = generator.config.n_positions - PROMPT_TOKENS
      const asked = { ...greedy, max_new_tokens: Math.min(NEW_TOKENS, room), seed: 0 }
      const texts = await generator.generate(prompts, asked)
      return texts.map((ids) => generator.tokenizer.decode(ids))
    } finally {
      await generator.release()
    }
  }
  const [base, plastic] = [await write({ base: found.base }), await write(found)]
  const tokenizer = await loadTokenizer(found.base)
  return prompts.map((ids, i) => ({ prompt: tokenizer.decode(ids), base: base[i]!, plastic: plastic[i]! }))
}

async function withModel<T>(
  { session, parameters }: OpenModel,
  use: (session: Session, parameters: Feeds) => Promise<T>,
): Promise<T> {
  try {
    return await use(session, parameters)
  } finally {
    await session.release()
  }
}

const blockReports = (
  config: Gpt2Config,
  npt: NptConfig,
  { mse, cosine, magnitude, updateNorms }: EquivalenceEvaluation,
): PlasticBlockReport[] =>
  plasticLayers(config, npt).map((layer, i) => ({
    layer,
    mse: mse[i]!,
    cosine: cosine[i]!,
    magnitude: magnitude[i]!,
    updateNorm: distribution(updateNorms[i]!),
  }))

function distribution(values: Float32Array): NormDistribution {
  const sorted = values.toSorted()
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]!
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return { mean, p10: at(0.1), p50: at(0.5), p90: at(0.9), max: at(1) }
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
