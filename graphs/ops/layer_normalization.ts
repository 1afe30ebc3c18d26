/** @module */
import type { Node, Value } from '../ir/graph.ts'
import type { Operator } from '../ir/operator.ts'
import { formatShape } from '../ir/shape.ts'
import { add, div, mul, sub } from './arithmetic.ts'
import { sumToShape } from './broadcast.ts'
import { inFloat32, widened } from './cast.ts'
import { emit, number } from './common.ts'
import { sqrt } from './elementwise.ts'
import { reduceMean } from './reduce_mean.ts'

/**
 * y = x̂∘weight + bias over the last axis, x̂ = (x − mean)·invStdDev, invStdDev = 1/√(var + ε).
 * Ba, Kiros, Hinton: Layer Normalization (2016).
 */
export const LayerNormalization: Operator = {
  name: 'LayerNormalization',
  floats: ['epsilon'],
  optionalOutputs: true,
  infer: ({ inputs, fail }) => {
    const [x, weight, bias] = inputs as [Value, Value, Value]
    const size = x.shape.at(-1)
    if (
      weight.shape.length !== 1 ||
      weight.shape[0] !== size ||
      bias.shape.length !== 1 ||
      bias.shape[0] !== size
    ) {
      fail(
        `weight ${formatShape(weight.shape)} and bias ${formatShape(bias.shape)} do not fit ${formatShape(x.shape)}`,
      )
    }
    if ([weight, bias].some(({ dtype }) => dtype !== x.dtype)) {
      fail(`dtypes differ: ${x.dtype}, ${weight.dtype} and ${bias.dtype}`)
    }
    const statistics = [...x.shape.slice(0, -1), 1]
    return [
      { dtype: x.dtype, shape: x.shape },
      { dtype: 'float32', shape: statistics },
      { dtype: 'float32', shape: statistics },
    ]
  },
  // dx̂ = dy∘weight;  dx = invStdDev·(dx̂ − mean(dx̂) − x̂·mean(dx̂∘x̂));  dweight = Σ dy∘x̂;  dbias = Σ dy
  gradient: (node, [dy]) => {
    const [, weight, bias] = node.inputs
    let statistics: { normalised: Value; invStdDev: Value } | undefined
    const normalise = () => (statistics ??= recompute(node))
    return [
      () => {
        const { normalised, invStdDev } = normalise()
        const scaled = mul(dy!, weight!)
        const centred = sub(scaled, reduceMean(scaled, [-1]))
        return mul(invStdDev, sub(centred, mul(normalised, reduceMean(mul(scaled, normalised), [-1]))))
      },
      () => sumToShape(mul(dy!, normalise().normalised), weight!),
      () => sumToShape(dy!, bias!),
    ]
  },
}

/**
 * x̂ and 1/σ for the backward pass. The kernel saves its statistics, but as float32 even for float64 input;
 * there they are computed again.
 */
function recompute({ inputs: [x], outputs: [, mean, saved], attributes }: Node): {
  normalised: Value
  invStdDev: Value
} {
  if (x!.dtype === 'float32') return { normalised: mul(sub(x!, mean!), saved!), invStdDev: saved! }
  const centred = sub(x!, reduceMean(x!, [-1]))
  const variance = reduceMean(mul(centred, centred), [-1])
  const invStdDev = div(1, sqrt(add(variance, number(attributes, 'epsilon', 1e-5))))
  return { normalised: mul(centred, invStdDev), invStdDev }
}

/**
 * Layer normalization over the last axis; weight and bias [size]. Of 16 bits in float32, forward and back: squares of what float16
 * holds are beyond its range.
 */
export const layerNormalization = inFloat32((x, weight: Value, bias: Value, epsilon: number) =>
  emit(LayerNormalization, [x, widened(weight), widened(bias)], { axis: -1, epsilon }),
)
