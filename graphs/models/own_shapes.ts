/** @module */
import type { ModelConfig } from './family.ts'
import { familyOf } from './family.ts'
import type { ParameterShapes } from './parameters.ts'

/** The parameters that a model is saved with: the body's, and a language model's own head where the family has one. */
export function ownShapes(config: ModelConfig): ParameterShapes {
  const family = familyOf(config)
  return new Map([...family.shapes(config), ...(family.language?.shapes(config) ?? [])])
}
