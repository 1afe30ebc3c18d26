/**
 * How a model's parameters enter a graph: as inputs where they are trained, as constants that point into the
 * model's own safetensors file where they are frozen.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { ExternalData, Graph, Value } from '../ir/graph.ts'
import type { Shape } from '../ir/shape.ts'

export type ParameterShapes = ReadonlyMap<string, readonly number[]>

/** Looks up a parameter by transformers' name, such as `transformer.h.0.attn.c_attn.weight`. */
export type Parameters = (name: string) => Value

/** What a tensor that is trained is to a graph. */
export const TRAINED = 'a trained tensor: as it was drawn or loaded at first, then as the optimizer left it'

/** Declares every parameter as an input, in order. */
export function inputParameters(
  graph: Graph,
  shapes: ParameterShapes,
  dtype: FloatType = 'float32',
): Parameters {
  const values = new Map([...shapes].map(([name, shape]) => [name, graph.input(name, dtype, shape, TRAINED)]))
  return (name) => known(values.get(name), name)
}

/** Declares each parameter that is asked for as a constant in an external file. */
export function frozenParameters(
  graph: Graph,
  shapes: ParameterShapes,
  stored: ReadonlyMap<string, ExternalData>,
): Parameters {
  const values = new Map<string, Value>()
  return (name) => {
    const value =
      values.get(name) ??
      graph.initializer(name, 'float32', known<Shape>(shapes.get(name), name), known(stored.get(name), name))
    values.set(name, value)
    return value
  }
}

function known<T>(found: T | undefined, name: string): T {
  if (found === undefined) throw new Error(`the model has no parameter "${name}"`)
  return found
}
