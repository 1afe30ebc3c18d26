/**
 * A model that writes, whatever its family: tokens, body, and the head that tells the next token.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { ExternalData, Graph, Value } from '../ir/graph.ts'
import type { Dim } from '../ir/shape.ts'
import type { Attend } from '../layers/attention.ts'
import { lookedUp } from '../ops/index.ts'
import type { Adaptation, AdaptedModel } from './adaptation.ts'
import { adaptedShapes, declareModel } from './adaptation.ts'
import { attendTo } from './attend.ts'
import type { BlockParts, LanguageHead, ModelConfig, PlasticModules, Tokens } from './family.ts'
import { factsOf, familyOf } from './family.ts'
import { tokenDocs } from './token_docs.ts'
import type { NoiseOptions } from './model_noise.ts'
import type { NptConfig } from './npt_config.ts'
import type { ParameterShapes } from './parameters.ts'

/** What is trained of a model, by default every parameter. */
export interface LanguageModel {
  readonly config: ModelConfig
  readonly lora?: Adaptation
  /** Plastic blocks, which are trained beside what `lora` says. */
  readonly npt?: NptConfig | null
  /** Where each frozen parameter lies in the model's weight file; absent: every parameter is an input. */
  readonly stored?: ReadonlyMap<string, ExternalData> | undefined
  readonly dtype?: FloatType
  /** Where it learns: what disturbs it, beside the dropout of adapters. */
  readonly noise?: NoiseOptions | undefined
}

/** Every parameter: the body's and those of a head of its own. Throws where the family writes nothing. */
export const languageModelShapes = (config: ModelConfig): ParameterShapes =>
  new Map([...familyOf(config).shapes(config), ...headOf(config).shapes(config)])

function headOf(config: ModelConfig): LanguageHead<ModelConfig> {
  const { language, noun } = familyOf(config)
  if (!language) throw new Error(`a ${noun} reads texts and writes none`)
  return language
}

/** The tensors that training changes, in the order of the graphs' inputs. */
export const languageModelTrainable = (model: LanguageModel): ParameterShapes => adaptedShapes(adapted(model))

const adapted = ({ config, lora = 'full', npt, noise }: LanguageModel): AdaptedModel => ({
  config,
  shapes: languageModelShapes(config),
  lora,
  ...(npt ? { npt } : {}),
  noise,
})

/**
 * Declares the tokens of sequences, each int64 [rows, sequence].
 *
 * @param rows what sequences are called
 * @param masked the mask's length, where it covers a cache as well
 * @param mask what its numbers mean, where that is more than tokens and padding
 */
export function languageTokens(
  graph: Graph,
  { config }: Pick<LanguageModel, 'config'>,
  rows: Dim = 'batch',
  masked: Dim = 'sequence',
  mask: string = tokenDocs.attention_mask,
): Tokens {
  const shape = [rows, 'sequence']
  const input_ids = graph.input('input_ids', 'int64', shape, tokenDocs.input_ids)
  const attention_mask = lookedUp(
    graph.input('attention_mask', 'int64', [rows, masked], mask),
    factsOf(config).context,
  )
  if (!familyOf(config).positions) return { input_ids, attention_mask }
  const position_ids = graph.input('position_ids', 'int64', shape, tokenDocs.position_ids)
  return { input_ids, attention_mask, position_ids }
}

/** A language model within a graph. */
export interface DeclaredLanguageModel {
  /** The inputs that training changes. */
  readonly trainable: readonly Value[]
  /** Attention over whole sequences, where `mask` says what each token may see. */
  readonly masked: (mask: Value) => Attend
  /** The last hidden states, [rows*sequence, width]. */
  readonly hidden: (attend: Attend) => Value
  /** What its blocks consist of, for those who put them together in another way. Throws where none can be plastic. */
  readonly parts: (attend: Attend) => BlockParts
  /** [vocabulary, width] */
  readonly head: () => Value
  /** The plastic part of a layer, where it has one. */
  readonly plastic: ReturnType<typeof declareModel>['plastic']
}

/** Declares a model's tensors after its tokens. */
export function declareLanguageModel(tokens: Tokens, model: LanguageModel): DeclaredLanguageModel {
  const { config, stored, dtype } = model
  const family = familyOf(config)
  const declared = declareModel(tokens.input_ids.graph, adapted(model), tokens, stored, dtype)
  return {
    trainable: declared.trainable,
    masked: (mask) => attendTo(config, mask, tokens, declared.noise),
    hidden: (attend) => family.body(config, declared, attend, tokens),
    parts: (attend) => plasticOf(config).parts(config, declared, attend, tokens),
    head: () => headOf(config).head(config, declared.headParameters),
    plastic: declared.plastic,
  }
}

function plasticOf(config: ModelConfig): PlasticModules<ModelConfig> {
  const { plastic, noun } = familyOf(config)
  if (!plastic) throw new Error(`a ${noun} has no plastic blocks`)
  return plastic
}
