/**
 * What of a model a task trains, and how the model's parameters then enter the graph.
 * @module
 */
import type { FloatType } from '../ir/dtype.ts'
import type { ExternalData, Graph, Value } from '../ir/graph.ts'
import type { Adapters, Parameters } from './gpt2.ts'
import type { LoraConfig } from './lora_config.ts'
import { inputAdapters, loraParameterShapes, noAdapters } from './lora_config.ts'
import type { ParameterShapes } from './parameters.ts'
import { frozenParameters, inputParameters } from './parameters.ts'

/** Adapters on a frozen model; every parameter (`full`); or nothing of it (`none`), where a head learns alone. */
export type Adaptation = LoraConfig | 'full' | 'none'

/** The tensors of a model that training changes, in the order of the graph's inputs. */
export function adaptedShapes(shapes: ParameterShapes, lora: Adaptation): ParameterShapes {
  if (lora === 'full') return shapes
  return lora === 'none' ? new Map() : loraParameterShapes(shapes, lora)
}

/**
 * Declares a model's parameters: what is trained as inputs, with `lora_scale` after adapters, the rest as constants.
 *
 * @param stored where each frozen parameter lies in the model's weight file; without it they are inputs too
 * @returns `trainable`: the inputs that training changes
 */
export function declareModel(
  graph: Graph,
  shapes: ParameterShapes,
  lora: Adaptation,
  stored: ReadonlyMap<string, ExternalData> | undefined,
  dtype: FloatType = 'float32',
): { parameters: Parameters; adapters: Adapters; trainable: readonly Value[] } {
  const before = graph.inputs.length
  if (lora === 'full') {
    const parameters = inputParameters(graph, shapes, dtype)
    return { parameters, adapters: noAdapters, trainable: graph.inputs.slice(before) }
  }
  const parameters = stored ? frozenParameters(graph, shapes, stored) : inputParameters(graph, shapes, dtype)
  if (lora === 'none') return { parameters, adapters: noAdapters, trainable: [] }
  const frozen = graph.inputs.length
  const adapters = inputAdapters(graph, loraParameterShapes(shapes, lora), dtype)
  return { parameters, adapters, trainable: graph.inputs.slice(frozen, -1) }
}
