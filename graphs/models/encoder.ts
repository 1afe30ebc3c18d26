/**
 * What classifiers and reward models stand on: a model that makes one vector of a sequence, and a linear head. The models are
 * GPT-2, which pools its hidden states, and BERT, which has a pooled output of its own; heads have the names that
 * transformers' `GPT2ForSequenceClassification` and `BertForSequenceClassification` give them.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { ExternalData, Graph, Value } from '../ir/graph.ts'
import type { Pooling } from '../layers/pooling.ts'
import { maskedMean } from '../layers/pooling.ts'
import {
  add,
  dimension,
  expandLike,
  gather,
  gemm,
  mul,
  range,
  reduceMax,
  reshape,
  unsqueeze,
} from '../ops/index.ts'
import type { Adaptation, DeclaredModel } from './adaptation.ts'
import { adaptedShapes, declareModel } from './adaptation.ts'
import { bert, bertPooled } from './bert.ts'
import type { BertConfig } from './bert_config.ts'
import { bertParameterShapes, isBert } from './bert_config.ts'
import { causalAttention, gpt2 } from './gpt2.ts'
import type { Gpt2Config } from './gpt2_config.ts'
import { gpt2ParameterShapes } from './gpt2_config.ts'
import type { NptConfig } from './npt_config.ts'
import type { ParameterShapes } from './parameters.ts'
import { frozenParameters, inputParameters } from './parameters.ts'

export { isBert }

export type EncoderConfig = Gpt2Config | BertConfig

export interface EncoderTask {
  readonly config: EncoderConfig
  /** What is trained beside the head. */
  readonly lora: Adaptation
  /** Plastic blocks, of GPT-2 only, which are trained too. */
  readonly npt?: NptConfig | null
  /** How GPT-2's hidden states become one vector; BERT has a pooled output of its own. */
  readonly pooling: Pooling
}

/** Width of the pooled vector. */
export const encoderWidth = (config: EncoderConfig): number =>
  isBert(config) ? config.hidden_size : config.n_embd

/** Longest sequence, in tokens. */
export const encoderContext = (config: EncoderConfig): number =>
  isBert(config) ? config.max_position_embeddings : config.n_positions

/** The parameters below the head: all but a language-modelling head. */
export function backboneShapes(config: EncoderConfig): ParameterShapes {
  if (isBert(config)) return bertParameterShapes(config)
  const shapes = gpt2ParameterShapes(config)
  shapes.delete('lm_head.weight')
  return shapes
}

/** GPT-2's head; BERT's is `classifier.weight` and `classifier.bias`. */
export const HEAD = 'score.weight'

/** The head: logits = pooled·Wᵀ, to which BERT adds a bias; GPT-2's last layer norm has one. W is [classes, width]. */
export const headShapes = (config: EncoderConfig, classes: number): ParameterShapes =>
  isBert(config)
    ? new Map([
        ['classifier.weight', [classes, config.hidden_size]],
        ['classifier.bias', [classes]],
      ])
    : new Map([[HEAD, [classes, config.n_embd]]])

/** The tensors below the head that training changes, in the order of the graph's inputs. */
export const encoderShapes = (task: Omit<EncoderTask, 'pooling'>): ParameterShapes =>
  adaptedShapes(modelOf(task))

const modelOf = ({ config, lora, npt }: Omit<EncoderTask, 'pooling'>) => ({
  config,
  shapes: backboneShapes(config),
  lora,
  ...(npt ? { npt } : {}),
})

/** The tokens of a batch, each int64 [batch, sequence], padded on the right. */
export interface EncoderInputs {
  readonly input_ids: Value
  /** 1 at tokens and 0 at padding. */
  readonly attention_mask: Value
  /** BERT: which part of its sequence a token belongs to. */
  readonly token_type_ids?: Value
  /** GPT-2. */
  readonly position_ids?: Value
  /** GPT-2 with pooling `last`: int64 [batch], the flat index b·sequence + t of each last token. */
  readonly pool_positions?: Value
}

/** Declares the inputs that say what the tokens are. */
export function encoderInputs(
  graph: Graph,
  { config, pooling }: Pick<EncoderTask, 'config' | 'pooling'>,
): EncoderInputs {
  const tokens = tokenInputs(graph, config)
  if (isBert(config)) return tokens
  return {
    ...tokens,
    position_ids: graph.input('position_ids', 'int64', ['batch', 'sequence']),
    ...(pooling === 'last' ? { pool_positions: graph.input('pool_positions', 'int64', ['batch']) } : {}),
  }
}

/** The same for inference, where the graph works out the positions. */
export function inferenceInputs(
  graph: Graph,
  { config, pooling }: Pick<EncoderTask, 'config' | 'pooling'>,
): EncoderInputs {
  const tokens = tokenInputs(graph, config)
  if (isBert(config)) return tokens
  const { input_ids } = tokens
  const position_ids = expandLike(unsqueeze(range(input_ids, 'sequence'), 0), input_ids)
  return { ...tokens, position_ids, ...(pooling === 'last' ? { pool_positions: lastPositions(tokens) } : {}) }
}

const tokenInputs = (graph: Graph, config: EncoderConfig): EncoderInputs => {
  const input = (name: string) => graph.input(name, 'int64', ['batch', 'sequence'])
  return {
    input_ids: input('input_ids'),
    attention_mask: input('attention_mask'),
    ...(isBert(config) ? { token_type_ids: input('token_type_ids') } : {}),
  }
}

/** The flat index of each sequence's last real token: b·sequence + max over t of t·mask[b, t]. */
function lastPositions({ input_ids, attention_mask }: EncoderInputs): Value {
  const last = reduceMax(mul(unsqueeze(range(input_ids, 'sequence'), 0), attention_mask), [1], false)
  return add(mul(range(input_ids, 'batch'), reshape(dimension(input_ids, 'sequence'), [])), last)
}

export interface DeclaredEncoder {
  /** [batch, width] */
  readonly pooled: Value
  /** The inputs that training changes. */
  readonly trainable: readonly Value[]
}

/**
 * Declares a model and runs it: what is trained as inputs, with `lora_scale` after adapters, the rest as constants.
 *
 * @param stored where each frozen tensor lies; without it all are inputs
 * @param inputs the tokens, by default those of {@link encoderInputs}
 */
export function declareEncoder(
  graph: Graph,
  task: EncoderTask,
  stored: ReadonlyMap<string, ExternalData> | undefined,
  dtype: FloatType = 'float32',
  inputs: EncoderInputs = encoderInputs(graph, task),
): DeclaredEncoder {
  const { config } = task
  const model = declareModel(graph, modelOf(task), stored, dtype)
  const { parameters, adapters, trainable } = model
  if (!isBert(config)) return { pooled: gpt2Pooled(config, model, inputs, dtype), trainable }
  const token_type_ids = inputs.token_type_ids!
  const hidden = bert(config, parameters, adapters, { ...inputs, token_type_ids }, dtype)
  return { pooled: bertPooled(hidden, inputs.input_ids, parameters, adapters), trainable }
}

function gpt2Pooled(
  config: Gpt2Config,
  { parameters, adapters, plastic }: DeclaredModel,
  { input_ids, attention_mask, position_ids, pool_positions }: EncoderInputs,
  dtype: FloatType,
): Value {
  const attend = causalAttention(config, attention_mask, dtype)
  const tokens = { input_ids, position_ids: position_ids! }
  const hidden = gpt2(config, parameters, adapters, attend, tokens, plastic)
  return hidden.graph.scope('score', () =>
    pool_positions ? gather(hidden, pool_positions) : maskedMean(hidden, attention_mask),
  )
}

/**
 * The head on a pooled vector. Its tensors are inputs, or constants where `stored` has them all.
 *
 * @param pooled [batch, width]
 * @returns logits [batch, classes], and the tensors that are inputs
 */
export function linearHead(
  graph: Graph,
  pooled: Value,
  config: EncoderConfig,
  classes: number,
  stored?: ReadonlyMap<string, ExternalData>,
  dtype: FloatType = 'float32',
): { readonly logits: Value; readonly trainable: readonly Value[] } {
  const shapes = headShapes(config, classes)
  const names = [...shapes.keys()]
  const isStored = stored !== undefined && names.every((name) => stored.has(name))
  const parameter = isStored ? frozenParameters(graph, shapes, stored) : inputParameters(graph, shapes, dtype)
  const [weight, addend] = names.map(parameter)
  const logits = graph.scope('score', () =>
    gemm(pooled, weight!, { transB: true, ...(addend ? { addend } : {}) }),
  )
  return { logits, trainable: isStored ? [] : [weight!, ...(addend ? [addend] : [])] }
}
