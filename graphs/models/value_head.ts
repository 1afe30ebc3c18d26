/**
 * The value head of PPO: one number per position, V = h·wᵀ + b, under the names that TRL's
 * `AutoModelForCausalLMWithValueHead` gives its tensors.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { gemm, reshape, widened } from '../ops/index.ts'
import type { ModelConfig } from './family.ts'
import { factsOf } from './family.ts'
import type { Parameters, ParameterShapes } from './parameters.ts'

export const VALUE_HEAD_WEIGHT = 'v_head.summary.weight'
export const VALUE_HEAD_BIAS = 'v_head.summary.bias'

export const valueHeadShapes = (config: ModelConfig): ParameterShapes =>
  new Map([
    [VALUE_HEAD_WEIGHT, [1, factsOf(config).width]],
    [VALUE_HEAD_BIAS, [1]],
  ])

/** [rows, n_embd] → [rows] */
export function valueHead(hidden: Value, parameters: Parameters): Value {
  const addend = parameters(VALUE_HEAD_BIAS)
  const values = gemm(hidden, parameters(VALUE_HEAD_WEIGHT), { transB: true, addend })
  return reshape(widened(values), [hidden.shape[0]!])
}
