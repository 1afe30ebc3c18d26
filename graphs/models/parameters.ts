/**
 * How a model's parameters enter a graph: as inputs where they are trained, as constants that point into the
 * model's own safetensors file where they are frozen.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import { isHalf, wideType } from '../ir/dtype.ts'
import type { ExternalData, Graph, Value } from '../ir/graph.ts'
import type { Shape } from '../ir/shape.ts'
import { cast, dequantize } from '../ops/index.ts'

export type ParameterShapes = ReadonlyMap<string, readonly number[]>

/** Looks up a parameter by transformers' name, such as `transformer.h.0.attn.c_attn.weight`. */
export type Parameters = (name: string) => Value

/** What a tensor that is trained is to a graph. */
export const TRAINED = 'a trained tensor: as it was drawn or loaded at first, then as the optimizer left it'

/**
 * A tensor as the graph computes with it: of 16 bits it is rounded as it enters.
 *
 * @param dtype what the graph computes in
 */
export const entering = (tensor: Value, dtype: FloatType): Value => cast(tensor, dtype)

/**
 * Declares every parameter as an input, in order; what a graph of 16 bits is fed is of float32.
 *
 * @param dtype what the graph computes in
 */
export function inputParameters(
  graph: Graph,
  shapes: ParameterShapes,
  dtype: FloatType = 'float32',
): Parameters {
  const inputs = [...shapes].map(([name, shape]) => graph.input(name, wideType(dtype), shape, TRAINED))
  const values = new Map(inputs.map((input) => [input.name, entering(input, dtype)]))
  return (name) => known(values.get(name), name)
}

/**
 * Declares each parameter that is asked for as a tensor in an external file, of the type that it has there.
 *
 * @param dtype what the graph computes in
 */
export function frozenParameters(
  graph: Graph,
  shapes: ParameterShapes,
  stored: ReadonlyMap<string, ExternalData>,
  dtype: FloatType = 'float32',
): Parameters {
  const values = new Map<string, Value>()
  const declare = (name: string): Value => {
    const data = known(stored.get(name), name)
    const { dtype: kept = 'float32', scales } = data
    const overridable = scales !== undefined || (isHalf(kept) && kept !== dtype)
    const weight = graph.initializer(name, kept, known<Shape>(shapes.get(name), name), data, { overridable })
    if (!scales) return entering(weight, dtype)
    const { shape, axis, block } = scales
    return entering(
      dequantize(weight, graph.initializer(`${name}.scales`, 'float32', shape, scales), axis, block),
      dtype,
    )
  }
  return (name) => {
    const value = values.get(name) ?? declare(name)
    values.set(name, value)
    return value
  }
}

function known<T>(found: T | undefined, name: string): T {
  if (found === undefined) throw new Error(`the model has no parameter "${name}"`)
  return found
}
