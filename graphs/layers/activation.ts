/**
 * Activation functions under the names of Hugging Face configurations.
 * @module
 */
import type { Value } from '../ir/graph.ts'
import { add, erf, mul, relu, sigmoid, sub, tanh } from '../ops/index.ts'

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

/** y = x·Φ(x) = x/2·(1 + erf(x/√2)). Hendrycks, Gimpel: Gaussian Error Linear Units (2016). */
function geluErf(x: Value): Value {
  const half = mul(x, 0.5)
  return mul(half, add(erf(mul(x, Math.SQRT1_2)), 1))
}

/**
 * The tanh form of GELU: y = x/2·(1 + tanh(z/2)) = x·σ(z) with z = x·u, u = a + bx², a = √(8/π), b = 0.044715·a.
 * dy/dx = σ + x·σ·(1 − σ)·(a + 3bx²) = σ + y·(1 − σ)·(3u − 2a): two tensors of the forward pass and y, no x.
 */
function geluTanh(x: Value): Value {
  const a = Math.sqrt(8 / Math.PI)
  const b = 0.044715 * a
  const u = add(mul(mul(x, x), b), a)
  const s = sigmoid(mul(x, u))
  const y = mul(x, s)
  x.graph.composite({
    name: 'gelu_new',
    inputs: [x],
    outputs: [y],
    gradient: ([dy]) => [
      () => {
        const slope = sub(mul(u, 3), 2 * a)
        return mul(dy!, add(mul(mul(sub(1, s), y), slope), s))
      },
    ],
  })
  return y
}
