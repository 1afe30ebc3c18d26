/**
 * What both sides of the benchmark in a browser compute: the same GPT-2 from the same weights, on the same tokens.
 * @module
 */
import type { Gpt2Config } from '../../../graphs/models/gpt2.ts'
import { gpt2ParameterShapes } from '../../../graphs/models/gpt2.ts'
import type { LoraConfig } from '../../../graphs/models/lora_config.ts'
import { loraParameterShapes } from '../../../graphs/models/lora_config.ts'
import type { OptimizerStep } from '../../../src/runtime/training_state.ts'
import { parseGpt2Config } from '../../../src/formats/families/gpt2.ts'
import { createRandom } from '../../../src/random.ts'
import { seededWeights } from '../../../src/runs/initialise.ts'

/** A training step; all of it JSON. */
export interface StepShape {
  readonly layers: number
  readonly heads: number
  readonly width: number
  readonly vocabulary: number
  /** Rows of a batch. */
  readonly batch: number
  /** Tokens of a row, each of which has a label. */
  readonly length: number
  readonly lora: LoraConfig | 'full'
}

/** Weights by transformers' names, adapters by PEFT's. */
export type Weights = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>

export interface StepData {
  readonly config: Gpt2Config
  /** What is trained. */
  readonly trained: Weights
  readonly frozen: Weights
  /** [batch, length]: x. */
  readonly tokens: Int32Array
  /** [batch, length]: what follows each of them. */
  readonly labels: Int32Array
}

/** The settings of AdamW. */
export const ADAMW = {
  ...{ learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 },
} as const satisfies Omit<OptimizerStep, 'step'>

const SEED = 1

/** Weights and tokens of a shape: always the same. */
export function stepData({ lora, batch, length, ...shape }: StepShape): StepData {
  const config = configOf(shape, length)
  const weights = seededWeights(config, SEED)
  const random = createRandom(SEED, 'tokens')
  const rows = Array.from({ length: batch }, () =>
    Int32Array.from({ length: length + 1 }, () => random.integer(config.vocab_size)),
  )
  const flat = (from: number) =>
    Int32Array.from(rows.flatMap((row) => [...row.subarray(from, from + length)]))
  return {
    config,
    trained: lora === 'full' ? weights : adapters(config, lora),
    frozen: lora === 'full' ? new Map() : weights,
    tokens: flat(0),
    labels: flat(1),
  }
}

const configOf = (
  { layers, heads, width, vocabulary }: Omit<StepShape, 'lora' | 'batch' | 'length'>,
  length: number,
): Gpt2Config =>
  parseGpt2Config(
    {
      ...{ n_layer: layers, n_head: heads, n_embd: width, vocab_size: vocabulary, n_positions: length },
      ...{ bos_token_id: null, eos_token_id: null },
    },
    'the configuration of the benchmark',
  )

/** Both factors at random, so that both have gradients at the first step. */
function adapters(config: Gpt2Config, lora: LoraConfig): Weights {
  const random = createRandom(SEED, 'adapters')
  return new Map(
    [...loraParameterShapes(gpt2ParameterShapes(config), lora)].map(([name, shape]) => [
      name,
      {
        shape,
        data: Float32Array.from({ length: shape[0]! * shape[1]! }, () => 0.02 * random.normal()),
      },
    ]),
  )
}
