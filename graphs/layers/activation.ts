/**
 * Activation functions under the names of Hugging Face configurations.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { add, erf, exp, mul, relu, sigmoid, sub, tanh } from '../ops/index.ts'
import { late } from './late.ts'

export const activations = {
  gelu_new: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  gelu_python_tanh: geluTanh,
  gelu_fast: geluTanh,
  gelu_accurate: geluTanh,
  gelu: geluErf,
  gelu_python: geluErf,
  quick_gelu: (x: Value): Value => mul(x, sigmoid(mul(x, 1.702))),
  relu,
  relu2: squaredRelu,
  silu,
  swish: silu,
  tanh,
} as const

/**
 * `gelu_new` and the names after it are the same tanh approximation; `gelu` and `gelu_python` are the exact form with erf,
 * `quick_gelu` its approximation by a logistic function (Hendrycks, Gimpel 2016).
 */
export type ActivationName = keyof typeof activations

export const activationNames = Object.keys(activations) as readonly ActivationName[] as readonly [
  ActivationName,
  ...ActivationName[],
]

/** y = x·σ(x). Elfwing et al.: Sigmoid-Weighted Linear Units (2017). */
function silu(x: Value): Value {
  return mul(x, sigmoid(x))
}

/** y = max(x, 0)². So et al.: Primer (2021). */
function squaredRelu(x: Value): Value {
  const positive = relu(x)
  return mul(positive, positive)
}

/**
 * y = x·Φ(x) = x/2·(1 + erf(x/√2)), dy/dx = Φ + x·φ with φ = exp(−x²/2)/√(2π). Hendrycks, Gimpel: Gaussian Error Linear Units
 * (2016). Only x is kept for the backward pass, where Φ is computed again.
 */
function geluErf(x: Value): Value {
  const cumulative = (z: Value) => mul(add(erf(mul(z, Math.SQRT1_2)), 1), 0.5)
  const y = mul(x, cumulative(x))
  x.graph.composite({
    name: 'gelu',
    inputs: [x],
    outputs: [y],
    gradient: ([dy]) => [
      () => {
        const z = late(x, dy!)
        const density = mul(exp(mul(mul(z, z), -0.5)), 1 / Math.sqrt(2 * Math.PI))
        return mul(
          dy!,
          add(
            mul(z, density),
            x.graph.again(() => cumulative(z)),
          ),
        )
      },
    ],
  })
  return y
}

/**
 * The tanh form of GELU: y = x/2·(1 + tanh(z/2)) = x·σ(z) with z = x·u, u = a + bx², a = √(8/π), b = 0.044715·a.
 * dy/dx = σ + x·σ·(1 − σ)·(a + 3bx²) = σ·(1 + x·(1 − σ)·(3u − 2a)). Only x is kept for the backward pass, a third of what it
 * would take with u and σ, which are computed again.
 */
function geluTanh(x: Value): Value {
  const a = Math.sqrt(8 / Math.PI)
  const b = 0.044715 * a
  const inner = (z: Value) => add(mul(mul(z, z), b), a)
  const y = mul(x, sigmoid(mul(x, inner(x))))
  x.graph.composite({
    name: 'gelu_new',
    inputs: [x],
    outputs: [y],
    gradient: ([dy]) => [
      () => {
        const z = late(x, dy!)
        const u = x.graph.again(() => inner(z))
        const s = x.graph.again(() => sigmoid(mul(z, u)))
        const slope = sub(mul(u, 3), 2 * a)
        return mul(dy!, mul(s, add(mul(mul(sub(1, s), z), slope), 1)))
      },
    ],
  })
  return y
}
