/**
 * AdamW as a graph. Loshchilov, Hutter: Decoupled Weight Decay Regularization (2019), in the order of operations
 * of torch.optim.AdamW; gradients are clipped by their global norm first (Pascanu et al., 2013).
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import { Graph } from '../ir/graph.ts'
import type { ParameterShapes } from '../models/parameters.ts'
import { add, div, mul, sqrt, sub, tanh } from '../ops/index.ts'
import { clipFactor, sumOfSquares } from './gradient_norm.ts'

export interface AdamWConfig {
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  /** Applied to tensors of two or more dimensions; biases and layer norms are not decayed. */
  readonly weight_decay: number
  /** Gradients are scaled down to this global norm; null leaves them. */
  readonly max_grad_norm: number | null
}

/** A tensor takes part in weight decay when it has two or more dimensions. */
export const isDecayed = (shape: readonly number[]): boolean => shape.length >= 2

/**
 * The optimizer graph: `learning_rate` and `step` (float scalars, step counts from 1), each parameter `p`, its
 * `p_grad`, `p_exp_avg` and `p_exp_avg_sq` in; `p_new`, `p_exp_avg_new`, `p_exp_avg_sq_new` and `grad_norm` out.
 */
export function adamwGraph(
  shapes: ParameterShapes,
  config: AdamWConfig,
  dtype: FloatType = 'float32',
): Graph {
  const { beta1, beta2, epsilon, weight_decay, max_grad_norm } = config
  const clipping =
    max_grad_norm === null ? 'no clipping' : `gradients clipped to a global norm of ${max_grad_norm}`
  const graph = new Graph(
    'optimizer',
    `AdamW: β₁ ${beta1}, β₂ ${beta2}, ε ${epsilon}, weight decay ${weight_decay} of tensors of two dimensions or more, ${clipping}`,
  )
  const learningRate = graph.input('learning_rate', dtype, [], 'η of this step, as the schedule has it')
  const step = graph.input(
    'step',
    dtype,
    [],
    'the number of this step, from 1: it corrects the bias of the two means',
  )
  const tensors = [...shapes].map(([name, shape]) => ({
    name,
    decayed: isDecayed(shape),
    p: graph.input(name, dtype, shape, 'the tensor before the step'),
    g: graph.input(`${name}_grad`, dtype, shape, "its gradient, summed over the step's micro-batches"),
    m: graph.input(`${name}_exp_avg`, dtype, shape, 'm, the decaying mean of its gradients; 0 at first'),
    v: graph.input(`${name}_exp_avg_sq`, dtype, shape, 'v, the decaying mean of their squares; 0 at first'),
  }))

  const norm = sqrt(tensors.map(({ g }) => sumOfSquares(g)).reduce(add))
  graph.output('grad_norm', norm, 'the global norm of the gradients, before they are clipped')
  const clip = clipFactor(norm, max_grad_norm)

  // 1 − βᵗ = 2T / (1 + T) with T = tanh(−t·ln β / 2): as it stands the difference would lose digits in float32
  const correction = (beta: number) => {
    const T = tanh(mul(step, -Math.log(beta) / 2))
    return div(mul(T, 2), add(T, 1))
  }
  const correction1 = correction(config.beta1)
  const rootCorrection2 = sqrt(correction(config.beta2))
  const stepSize = div(learningRate, correction1)
  const keep = sub(1, mul(learningRate, config.weight_decay))

  for (const { name, decayed, p, g: raw, m, v } of tensors) {
    graph.scope(name, () => {
      const g = mul(raw, clip)
      // m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²
      const newM = add(mul(m, config.beta1), mul(g, 1 - config.beta1))
      const newV = add(mul(v, config.beta2), mul(mul(g, g), 1 - config.beta2))
      // p ← (1 − η·λ)p − η/(1 − β₁ᵗ)·m / (√v/√(1 − β₂ᵗ) + ε)
      const denominator = add(div(sqrt(newV), rootCorrection2), config.epsilon)
      const decayedP = decayed && config.weight_decay !== 0 ? mul(p, keep) : p
      graph.output(
        `${name}_new`,
        sub(decayedP, mul(stepSize, div(newM, denominator))),
        'the tensor after the step',
      )
      graph.output(`${name}_exp_avg_new`, newM, 'm for the next step')
      graph.output(`${name}_exp_avg_sq_new`, newV, 'v for the next step')
    })
  }
  return graph
}
