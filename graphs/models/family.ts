/**
 * A model family: what the rest may know of it. The record is total; nothing else asks which family a model is of.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { Value } from '../ir/graph.ts'
import type { Attend } from '../layers/attention.ts'
import type { WeightLayout } from '../layers/linear.ts'
import type { PlasticBlock } from '../layers/npt.ts'
import type { DeclaredModel } from './adaptation.ts'
import type { BertConfig } from './bert.ts'
import { bertFamily } from './bert.ts'
import type { Gpt2Config } from './gpt2.ts'
import { gpt2Family } from './gpt2.ts'
import { llamaFamilies } from './llama.ts'
import type { LlamaConfig } from './llama_config.ts'
import type { Parameters, ParameterShapes } from './parameters.ts'

/** A configuration of any family; its `model_type` says of which, where it is missing GPT-2. */
export type ModelConfig = Gpt2Config | BertConfig | LlamaConfig

/** The sizes of a model, under one name each. */
export interface ModelFacts {
  /** Of the residual stream. */
  readonly width: number
  /** Longest sequence, in tokens. */
  readonly context: number
  readonly vocabulary: number
  readonly layers: number
  readonly heads: number
  /** Heads of keys and values. */
  readonly kvHeads: number
  readonly headSize: number
  /**
   * The token that is passed over at a sequence's end where hidden states are pooled by the last token's, as transformers does with
   * the configuration's padding; null: none.
   */
  readonly padding: number | null
  /** Probability of dropping an attention probability where training asks for the model's dropout; absent: 0. */
  readonly attentionDropout?: number
}

/** The tokens of a batch, each int64 [batch, sequence]. */
export interface Tokens {
  readonly input_ids: Value
  /** 0 at padding. */
  readonly attention_mask: Value
  /** Of a family with `positions`. */
  readonly position_ids?: Value
  /** Of a family with `parts`: which part of its sequence a token belongs to. */
  readonly token_type_ids?: Value
}

/** What blocks consist of. Hidden states are [batch*sequence, width]. */
export interface BlockParts {
  /** Of tokens, and of positions where they have some. */
  readonly embed: () => Value
  /** What attention adds to h. */
  readonly attention: (h: Value, layer: number) => Value
  /** h with what attention and MLP add to it; with a plastic part the MLP's first layer is plastic. */
  readonly mlp: (h: Value, attended: Value, layer: number, plastic?: PlasticBlock) => Value
  /** The last layer norm. */
  readonly norm: (h: Value) => Value
}

/** What can become plastic of a family. */
export interface PlasticModules<C> {
  /** The linear module of a layer that an update goes on. */
  module(layer: number): string
  /** Width that it gives out. */
  inner(config: C): number
  parts(config: C, model: DeclaredModel, attend: Attend, tokens: Tokens): BlockParts
}

/** What a family that writes has. */
export interface LanguageHead<C> {
  /** Its own parameters; none where it is tied to the token embedding. */
  shapes(config: C): ParameterShapes
  /** [vocabulary, width] */
  head(config: C, parameters: Parameters): Value
}

export interface Family<C = ModelConfig> {
  /** What sentences call it. */
  readonly noun: string
  facts(config: C): ModelFacts
  /** Every parameter below a head: transformers' name to shape, in the order of the forward pass. */
  shapes(config: C): ParameterShapes
  /** How linear weights are stored. */
  readonly layout: WeightLayout
  /** Matrices that adapters do not go on: embeddings, and the language model's head. */
  readonly unadapted: readonly string[]
  /** Modules that adapters go on where nothing is said. */
  readonly adapterTargets: readonly string[]
  /** Whether it is told the tokens' positions. */
  readonly positions: boolean
  /** Whether it reads texts in parts, between tokens of their own such as [CLS] and [SEP], and is told which token is of which. */
  readonly parts: boolean
  /** What each token may see, as it is added to attention scores; from the mask of a batch. */
  mask(attention_mask: Value, dtype: FloatType): Value
  /** The factor of attention scores. */
  attentionScale(config: C): number
  /** How many of the nearest positions a layer sees, its own among them; null: all. Of a family with `positions`. */
  window(config: C, layer: number): number | null
  /** From tokens to the last hidden states, [batch*sequence, width]. */
  body(config: C, model: DeclaredModel, attend: Attend, tokens: Tokens): Value
  /** A pooled output of its own, [batch, width]; null: hidden states are pooled as a task asks. */
  readonly pooler: ((hidden: Value, model: DeclaredModel, tokens: Tokens) => Value) | null
  /** The tensors of a head on a pooled vector, as transformers names them. */
  pooledHead(): { readonly weight: string; readonly bias?: string }
  /** Null: it reads texts and writes none. */
  readonly language: LanguageHead<C> | null
  readonly plastic: PlasticModules<C> | null
  /** Standard deviation of a fresh weight. */
  deviation(config: C, name: string): number
  /** What all of a norm's weight begins as; null: the tensor is no norm's weight. */
  freshNorm(name: string): number | null
}

export const families = { gpt2: gpt2Family, bert: bertFamily, ...llamaFamilies } as const

export type FamilyName = keyof typeof families

export const familyName = ({ model_type = 'gpt2' }: ModelConfig): FamilyName => model_type

export const familyOf = (config: ModelConfig): Family => families[familyName(config)]

export const factsOf = (config: ModelConfig): ModelFacts => familyOf(config).facts(config)
