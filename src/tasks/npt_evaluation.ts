/**
 * How near a model with plastic blocks is to the model as it was: block by block, as a whole, and in what they write.
 * @module
 */
import type { ModelConfig } from '../../graphs/models/family.ts'
import { sftEvaluationGraph } from '../../graphs/tasks/sft.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { plasticLayers } from '../../graphs/models/npt_config.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import { greedy } from '../generation/sampling.ts'
import { oneLine } from '../metrics/one_line.ts'
import { textTable } from '../metrics/text_table.ts'
import type { EquivalenceEvaluation } from './block_distances.ts'
import { evaluateEquivalence } from './block_distances.ts'
import { asLanguageModel } from './language_model.ts'
import { evaluateSft } from './sft.ts'
import type { GraphRequest, TrainedModel } from './task.ts'

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

/**
 * Evaluates trained plastic blocks beside the model below them.
 *
 * @param build the evaluation graph of phase 1
 */
export async function evaluateNpt(
  model: TrainedModel,
  data: DataSet,
  batchSize: number,
  build: (request: GraphRequest) => Graph,
): Promise<NptEvaluation> {
  const before = model.before()
  const perplexityOf = async (of: TrainedModel): Promise<number> => {
    return of.withGraph(
      (request) => sftEvaluationGraph(asLanguageModel(request)),
      async (session, parameters) => {
        return (await evaluateSft(session, parameters, data, batchSize)).perplexity
      },
    )
  }
  const perplexity = await perplexityOf(model)
  const basePerplexity = await perplexityOf(before)
  const blocks = await model.withGraph(build, (session, parameters) =>
    evaluateEquivalence(session, parameters, data, batchSize),
  )
  return {
    loss: blocks.loss,
    perplexity,
    basePerplexity,
    ratio: perplexity / basePerplexity,
    blocks: blockReports(model.config, model.npt!, blocks),
    distillation: blocks.distillation,
    samples: await pairedSamples(model, before, data),
  }
}

const blockReports = (
  config: ModelConfig,
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
  model: TrainedModel,
  before: TrainedModel,
  dataset: DataSet,
): Promise<PairedSample[]> {
  const count = Math.min(SAMPLES, dataset.size)
  const prompts = Array.from({ length: count }, (_, i) => {
    const { input_ids } = dataset.row(Math.floor((i * dataset.size) / count))
    return [...input_ids.subarray(0, Math.max(1, Math.min(PROMPT_TOKENS, input_ids.length - 1)))]
  })
  const write = async (of: TrainedModel): Promise<string[]> => {
    const generator = await of.generator()
    try {
      const room = generator.context - PROMPT_TOKENS
      const asked = { ...greedy, max_new_tokens: Math.min(NEW_TOKENS, room), seed: 0 }
      const texts = await generator.generate(prompts, asked)
      return texts.map((ids) => generator.tokenizer.decode(ids))
    } finally {
      await generator.release()
    }
  }
  const [base, plastic] = [await write(before), await write(model)]
  return prompts.map((ids, i) => ({
    prompt: model.tokenizer.decode(ids),
    base: base[i]!,
    plastic: plastic[i]!,
  }))
}

/** Samples that are shown. */
const SHOWN = 3

/** Beginnings with what either model writes after them. */
export const pairedTexts = (samples: readonly PairedSample[]): string[] =>
  samples
    .slice(0, SHOWN)
    .map(
      ({ prompt, base, plastic }) =>
        `${oneLine(prompt)} …\n  as it was  ${oneLine(base)}\n  plastic    ${oneLine(plastic)}\n`,
    )

/** How near each plastic block is to the model's own, and how large its update. */
export const blockTable = (name: string, blocks: readonly PlasticBlockReport[]): string =>
  textTable([
    [`${name}: by plastic block`, 'MSE', 'cosine', '(‖A‖+‖B‖)/2', '‖ΔW‖ mean', 'p10', 'p50', 'p90', 'max'],
    ...blocks.map(({ layer, mse, cosine, magnitude, updateNorm: { mean, p10, p50, p90, max } }) => [
      `layer ${layer}`,
      ...[mse, cosine, magnitude, mean, p10, p50, p90, max].map((value) => value.toPrecision(3)),
    ]),
  ])
