/**
 * What classifiers and reward models stand on: a model that makes one vector of a sequence, and a linear head, under the names
 * that transformers' `…ForSequenceClassification` gives its tensors.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { ExternalData, Graph, Value } from '../ir/graph.ts'
import type { Pooling } from '../layers/pooling.ts'
import { lastPositions, maskedMean } from '../layers/pooling.ts'
import { cast, equal, gather, gemm, lookedUp, positions, unsqueeze, where, widened } from '../ops/index.ts'
import type { Adaptation } from './adaptation.ts'
import { adaptedShapes, declareModel } from './adaptation.ts'
import { attendTo } from './attend.ts'
import type { ModelConfig, Tokens } from './family.ts'
import { factsOf, familyOf } from './family.ts'
import type { NoiseOptions } from './model_noise.ts'
import type { NptConfig } from './npt_config.ts'
import type { ParameterShapes } from './parameters.ts'
import { frozenParameters, inputParameters } from './parameters.ts'
import { tokenDocs } from './token_docs.ts'

export interface EncoderTask {
  readonly config: ModelConfig
  /** What is trained beside the head. */
  readonly lora: Adaptation
  /** Plastic blocks, which are trained too. */
  readonly npt?: NptConfig | null
  /** How hidden states become one vector, of a family without a pooled output of its own. */
  readonly pooling: Pooling
  /** Where it learns: what disturbs it, beside the dropout of adapters. */
  readonly noise?: NoiseOptions | undefined
}

/** The parameters below the head: all but a language-modelling head. */
export const backboneShapes = (config: ModelConfig): ParameterShapes => familyOf(config).shapes(config)

/** The weight of the head of families that write. */
export const HEAD = 'score.weight'

/** The head: logits = pooled·Wᵀ, to which some families add a bias. W is [outputs, width]. */
export function headShapes(config: ModelConfig, outputs: number): ParameterShapes {
  const { weight, bias } = familyOf(config).pooledHead()
  const shapes = new Map<string, readonly number[]>([[weight, [outputs, factsOf(config).width]]])
  return bias === undefined ? shapes : shapes.set(bias, [outputs])
}

/** The tensors below the head that training changes, in the order of the graph's inputs. */
export const encoderShapes = (task: Omit<EncoderTask, 'pooling'>): ParameterShapes =>
  adaptedShapes(modelOf(task))

const modelOf = ({ config, lora, npt, noise }: Omit<EncoderTask, 'pooling'>) => ({
  config,
  shapes: backboneShapes(config),
  lora,
  ...(npt ? { npt } : {}),
  noise,
})

/** The tokens of a batch, padded on the right. */
export interface EncoderInputs extends Tokens {
  /** With pooling `last` of hidden states: int64 [batch], the flat index b·sequence + t of each last token. */
  readonly pool_positions?: Value
}

/** Whether hidden states are pooled by the last token's. */
const poolsLast = ({ config, pooling }: Pick<EncoderTask, 'config' | 'pooling'>): boolean =>
  !familyOf(config).pooler && pooling === 'last'

/** Declares the inputs that say what the tokens are. */
export function encoderInputs(graph: Graph, task: Pick<EncoderTask, 'config' | 'pooling'>): EncoderInputs {
  const tokens = tokenInputs(graph, task.config)
  return {
    ...tokens,
    ...(familyOf(task.config).positions
      ? { position_ids: graph.input('position_ids', 'int64', ['batch', 'sequence'], tokenDocs.position_ids) }
      : {}),
    ...(poolsLast(task)
      ? { pool_positions: graph.input('pool_positions', 'int64', ['batch'], tokenDocs.pool_positions) }
      : {}),
  }
}

/** The same for inference, where the graph works out the positions. */
export function inferenceInputs(graph: Graph, task: Pick<EncoderTask, 'config' | 'pooling'>): EncoderInputs {
  const tokens = tokenInputs(graph, task.config)
  return {
    ...tokens,
    ...(familyOf(task.config).positions
      ? { position_ids: cast(unsqueeze(positions(tokens.attention_mask, 1), 0), 'int32') }
      : {}),
    ...(poolsLast(task)
      ? { pool_positions: cast(lastPositions(readTokens(tokens, task.config)), 'int32') }
      : {}),
  }
}

function tokenInputs(graph: Graph, config: ModelConfig): Tokens {
  const input = (name: keyof typeof tokenDocs) =>
    graph.input(name, 'int64', ['batch', 'sequence'], tokenDocs[name])
  return {
    input_ids: input('input_ids'),
    attention_mask: lookedUp(input('attention_mask'), factsOf(config).context),
    ...(familyOf(config).parts ? { token_type_ids: input('token_type_ids') } : {}),
  }
}

/** 1 at real tokens, 0 at padding, and at the token that is passed over as well. [batch, sequence] */
function readTokens({ input_ids, attention_mask }: Tokens, config: ModelConfig): Value {
  const { padding, vocabulary } = factsOf(config)
  if (padding === null) return attention_mask
  const passedOver = equal(lookedUp(input_ids, vocabulary - 1), padding)
  return where(passedOver, 0, attention_mask)
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
  const family = familyOf(config)
  const model = declareModel(graph, modelOf(task), inputs, stored, dtype)
  const attend = attendTo(config, family.mask(inputs.attention_mask, dtype), inputs, model.noise)
  const hidden = family.body(config, model, attend, inputs)
  const pooled = family.pooler ? family.pooler(hidden, model, inputs) : pool(hidden, inputs)
  return { pooled, trainable: model.trainable }
}

const pool = (hidden: Value, { attention_mask, pool_positions }: EncoderInputs): Value =>
  hidden.graph.scope('score', () =>
    pool_positions ? gather(hidden, pool_positions) : maskedMean(hidden, attention_mask),
  )

/**
 * The head on a pooled vector. Its tensors are inputs, or constants where `stored` has them all.
 *
 * @param pooled [batch, width]
 * @returns logits [batch, classes], and the tensors that are inputs
 */
export function linearHead(
  graph: Graph,
  pooled: Value,
  config: ModelConfig,
  classes: number,
  stored?: ReadonlyMap<string, ExternalData>,
  dtype: FloatType = 'float32',
): { readonly logits: Value; readonly trainable: readonly Value[] } {
  const shapes = headShapes(config, classes)
  const names = [...shapes.keys()]
  const before = graph.inputs.length
  const isStored = stored !== undefined && names.every((name) => stored.has(name))
  const parameter = isStored
    ? frozenParameters(graph, shapes, stored, dtype)
    : inputParameters(graph, shapes, dtype)
  const trainable = graph.inputs.slice(before)
  const [weight, addend] = names.map(parameter)
  const logits = graph.scope('score', () =>
    widened(gemm(pooled, weight!, { transB: true, ...(addend ? { addend } : {}) })),
  )
  return { logits, trainable }
}
