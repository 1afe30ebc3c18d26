/**
 * Neuro-plastic fine-tuning's step in float64, from the formulas of `docs/plasticity.md` alone.
 */
import type { HostTensor } from '../../src/runtime/session.ts'
import type { OptimizerStep } from '../../src/runtime/training_state.ts'
import { createRandom } from '../../src/random.ts'

export interface Weights {
  readonly shape: readonly number[]
  readonly traced: boolean
  readonly p: Float64Array
  readonly g: Float64Array
  readonly m: Float64Array
  readonly v: Float64Array
  readonly e: Float64Array
}

/** Tensors of odd sizes with numbers as trained ones have them. */
export function someWeights(): Map<string, Weights> {
  const { normal } = createRandom('plastic weights')
  const of = (shape: readonly number[], traced: boolean): Weights => {
    const length = shape.reduce((product, size) => product * size, 1)
    const zeros = () => new Float64Array(length)
    const p = Float64Array.from({ length }, () => Math.fround(0.02 * normal()))
    return { shape, traced, p, g: zeros(), m: zeros(), v: zeros(), e: zeros() }
  }
  return new Map([
    ['h.0.weight', of([17, 61], true)],
    ['h.0.bias', of([61], false)],
    ['wte', of([33, 8], false)],
    ['h.0.lora_A', of([8, 19], true)],
    ['h.0.lora_B', of([5, 3], true)],
  ])
}

/** Gradients of a step, of which most are small and a few are large. */
export function fillGradients(weights: ReadonlyMap<string, Weights>, step: number): void {
  for (const [name, { g }] of weights) {
    const { normal } = createRandom('plastic gradients', name, step)
    for (let i = 0; i < g.length; i++) g[i] = Math.fround(normal() * 10 ** (2 * normal() - 2))
  }
}

const norm = (values: Float64Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0))

/** A step of AdamW with clipping, and the plastic update. Gives the norm of the gradients and that of the traces. */
export function referenceStep(
  weights: ReadonlyMap<string, Weights>,
  { learningRate, step, beta1, beta2, epsilon, weightDecay, maxGradNorm = Infinity, plastic }: OptimizerStep,
): { gradNorm: number; eligibilityNorm: number } {
  const gradNorm = Math.sqrt([...weights.values()].reduce((sum, { g }) => sum + norm(g) ** 2, 0))
  const clip = Math.min(1, maxGradNorm / (gradNorm + 1e-6))
  let squares = 0
  for (const { p, g: raw, m, v, e, shape, traced } of weights.values()) {
    const g = raw.map((x) => x * clip)
    const decay = shape.length >= 2 ? weightDecay : 0
    for (let i = 0; i < p.length; i++) {
      m[i] = beta1 * m[i]! + (1 - beta1) * g[i]!
      v[i] = beta2 * v[i]! + (1 - beta2) * g[i]! ** 2
      const mHat = m[i]! / (1 - beta1 ** step)
      const vHat = v[i]! / (1 - beta2 ** step)
      p[i] = p[i]! - learningRate * (mHat / (Math.sqrt(vHat) + epsilon) + decay * p[i]!)
    }
    if (!traced || !plastic) continue
    const whole = norm(g)
    for (let i = 0; i < p.length; i++) {
      e[i] = plastic.gamma * e[i]! + Math.abs(g[i]! / (whole + 1e-8))
      const r = plastic.thirdFactor.byGradient * g[i]! + plastic.thirdFactor.constant
      const clamped = Math.max(-1, Math.min(1, e[i]!))
      p[i] = p[i]! + plastic.plasticityLr * (plastic.beta * r * clamped - plastic.lambdaDecay * p[i]!)
    }
    squares += norm(e) ** 2
  }
  return { gradNorm, eligibilityNorm: Math.sqrt(squares) }
}

/** max |x − y| */
export function furthest(x: HostTensor['data'], y: Float64Array | Float32Array): number {
  let most = 0
  for (let i = 0; i < y.length; i++) {
    const distance = Math.abs(Number(x[i]) - y[i]!)
    // NaN is further than anything.
    if (!(distance <= most)) most = distance
  }
  return most
}
