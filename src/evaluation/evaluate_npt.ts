/**
 * How near a model with plastic blocks is to the model as it was: block by block, as a whole, and in what they write.
 * @module
 */
import { evaluationGraph } from '../../graphs/artifacts/causal_lm.ts'
import { equivalenceEvaluationGraph } from '../../graphs/artifacts/equivalence.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2_config.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { plasticLayers } from '../../graphs/models/npt_config.ts'
import type { ArrowDataset } from '../data/sets/arrow_reader.ts'
import type { FoundModel } from '../models/find_model.ts'
import { readGpt2Config } from '../formats/gpt2_config.ts'
import type { EquivalenceConfig } from '../formats/manifest.ts'
import type { DecoderOptions } from '../models/open_decoder.ts'
import { openFoundModel, withModel } from '../models/open_found_model.ts'
import { openTokenGenerator } from '../models/open_token_generator.ts'
import { greedy } from '../generation/sampling.ts'
import { loadTokenizer } from '../text/tokenizer.ts'
import { evaluateCausalLm } from '../tasks/sft.ts'
import type { EquivalenceEvaluation } from '../tasks/equivalence.ts'
import { evaluateEquivalence } from '../tasks/equivalence.ts'

export interface NptEvaluation {
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

/** Evaluates trained plastic blocks beside the base model of the same folder. */
export async function evaluateNpt(
  found: FoundModel,
  equivalence: EquivalenceConfig,
  dataset: ArrowDataset,
  batchSize: number,
  options: DecoderOptions,
): Promise<NptEvaluation> {
  const npt = found.npt!
  const perplexityOf = async (of: FoundModel): Promise<number> =>
    withModel(
      await openFoundModel(of, gpt2ParameterShapes, evaluationGraph, options),
      async (session, parameters) =>
        (await evaluateCausalLm(session, parameters, dataset, batchSize)).perplexity,
    )
  const perplexity = await perplexityOf(found)
  const basePerplexity = await perplexityOf({ base: found.base })
  const blocks = await withModel(
    await openFoundModel(
      found,
      gpt2ParameterShapes,
      (parts) => equivalenceEvaluationGraph({ ...parts, ...equivalence, npt }),
      options,
    ),
    (session, parameters) => evaluateEquivalence(session, parameters, dataset, batchSize),
  )
  return {
    loss: blocks.loss,
    perplexity,
    basePerplexity,
    ratio: perplexity / basePerplexity,
    blocks: blockReports(await readGpt2Config(found.base), npt, blocks),
    distillation: blocks.distillation,
    samples: await pairedSamples(found, dataset, options),
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
