/** @module */
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'

/** The parameters of like modules: `transformer.h.*.attn.c_attn` stands for that of every layer. */
export interface ParameterGroup {
  readonly module: string
  /** How many modules. */
  readonly count: number
  /** Of the module's weight. */
  readonly shape: readonly number[]
  /** Of all modules together, biases included. */
  readonly parameters: number
  readonly trainable: boolean
}

/** Layer numbers within a name, all written `*`. */
export const withoutNumbers = (name: string): string => name.replace(/(?<=\.|^)\d+(?=\.|$)/g, '*')

/** Sums parameters over like modules, in the order in which they first occur. */
export function parameterGroups(shapes: ParameterShapes, trainable: boolean): ParameterGroup[] {
  const groups = new Map<string, { modules: Set<string>; shape: readonly number[]; parameters: number }>()
  for (const [name, shape] of shapes) {
    const module = name.replace(/\.(weight|bias)$/, '')
    const key = withoutNumbers(module)
    const group = groups.get(key) ?? { modules: new Set(), shape, parameters: 0 }
    group.modules.add(module)
    group.parameters += sizeOf(shape)
    groups.set(key, group)
  }
  return [...groups].map(([module, { modules, shape, parameters }]) => ({
    module,
    count: modules.size,
    shape,
    parameters,
    trainable,
  }))
}

/** Trainable and frozen parameters, counted. */
export function countParameters(groups: readonly ParameterGroup[]): { trainable: number; frozen: number } {
  const count = (wanted: boolean) =>
    groups.reduce((sum, { trainable, parameters }) => sum + (trainable === wanted ? parameters : 0), 0)
  return { trainable: count(true), frozen: count(false) }
}
