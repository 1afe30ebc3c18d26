/**
 * Neuro-plastic fine-tuning's update as a graph: eligibility traces of weight matrices, and what a third factor makes of them, after
 * the optimizer's own step. Three-factor rules: Gerstner et al.: Eligibility Traces and Plasticity on Behavioral Time Scales (2018).
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { Value } from '../ir/graph.ts'
import { Graph } from '../ir/graph.ts'
import type { ModelConfig } from '../models/family.ts'
import { familyOf } from '../models/family.ts'
import type { ParameterShapes } from '../models/parameters.ts'
import { add, div, maximum, minimum, mul, sqrt, sub } from '../ops/index.ts'
import { clipFactor, sumOfSquares } from './gradient_norm.ts'

/**
 * What r is: minus a weight's own gradient, as it was published; how much better than usual the step's reward was, the same for all
 * weights; or 1.
 */
export const THIRD_FACTORS = ['published', 'reward', 'none'] as const
export type ThirdFactor = (typeof THIRD_FACTORS)[number]

export interface PlasticConfig {
  /** η */
  readonly plasticity_lr: number
  /** γ, what is left of a trace after a step. */
  readonly gamma: number
  readonly beta: number
  /** λ */
  readonly lambda_decay: number
  readonly third_factor: ThirdFactor
}

/** The trained tensors that have traces: weight matrices, which neither biases and norms are, nor embeddings. */
export const plasticTensors = (config: ModelConfig, trainable: ParameterShapes): ParameterShapes =>
  new Map(
    [...trainable].filter(
      ([name, shape]) =>
        shape.length >= 2 && !familyOf(config).unadapted.includes(name.replace(/\.weight$/, '')),
    ),
  )

/**
 * The graph: `grad_norm` of the optimizer's step, and where the third factor is a reward `third_factor`, float scalars; each matrix W
 * as that step left it, its `W_grad` and `W_eligibility` in; `W_new`, `W_eligibility_new` and `eligibility_norm` out.
 *
 * @param shapes see {@link plasticTensors}
 * @param max_grad_norm what the optimizer clips gradients to
 */
export function plasticUpdateGraph(
  shapes: ParameterShapes,
  { plasticity_lr: eta, gamma, beta, lambda_decay, third_factor }: PlasticConfig,
  max_grad_norm: number | null,
  dtype: FloatType = 'float32',
): Graph {
  const graph = new Graph(
    'plastic',
    `Eligibility traces e ← ${gamma}·e + |g|/(‖g‖ + 1e-8) and W ← W + ${eta}·(${beta}·r·clamp(e, −1, 1) − ${lambda_decay}·W), run after optimizer_model.onnx`,
  )
  const norm = graph.input(
    'grad_norm',
    dtype,
    [],
    'the global norm of the gradients, as the optimizer gave it',
  )
  const given =
    third_factor === 'reward'
      ? graph.input('third_factor', dtype, [], "r: the step's reward minus its running mean")
      : undefined
  const tensors = [...shapes].map(([name, shape]) => ({
    name,
    w: graph.input(name, dtype, shape, 'the matrix, as the optimizer left it'),
    raw: graph.input(`${name}_grad`, dtype, shape, 'its gradient, as the optimizer was given it'),
    e: graph.input(`${name}_eligibility`, dtype, shape, 'its eligibility traces; 0 at first'),
  }))
  const clip = clipFactor(norm, max_grad_norm)
  const r = (g: Value): Value => {
    const factors: Record<ThirdFactor, () => Value> = {
      published: () => mul(g, -1),
      reward: () => given!,
      none: () => graph.scalar(1, dtype),
    }
    return factors[third_factor]()
  }

  const squares = tensors.map(({ name, w, raw, e }) =>
    graph.scope(name, () => {
      const g = mul(raw, clip)
      // e ← γe + |g| / (‖g‖ + 1e-8)
      const traces = add(mul(e, gamma), div(maximum(g, mul(g, -1)), add(sqrt(sumOfSquares(g)), 1e-8)))
      // W ← W + η·(β·r·clamp(e, −1, 1) − λW), where e is never below 0
      const change = sub(mul(mul(r(g), minimum(traces, graph.scalar(1, dtype))), beta), mul(w, lambda_decay))
      graph.output(`${name}_new`, add(w, mul(change, eta)), 'the matrix after the update')
      graph.output(`${name}_eligibility_new`, traces, 'its traces for the next step')
      return sumOfSquares(traces)
    }),
  )
  graph.output('eligibility_norm', sqrt(squares.reduce(add)), 'the norm of all traces after the step')
  return graph
}
