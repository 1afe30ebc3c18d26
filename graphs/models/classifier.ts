/**
 * GPT-2 with a classification head, under the names of transformers' `GPT2ForSequenceClassification`.
 * @module
 */
import type { Gpt2Config } from './gpt2_config.ts'
import { gpt2ParameterShapes } from './gpt2_config.ts'
import type { ParameterShapes } from './parameters.ts'

/** The head: logits = pooled·scoreᵀ, without bias, since the last layer norm has one. [classes, n_embd] */
export const HEAD = 'score.weight'

/** The backbone's parameters: all but a language-modelling head of its own. */
export function backboneShapes(config: Gpt2Config): ParameterShapes {
  const shapes = gpt2ParameterShapes(config)
  shapes.delete('lm_head.weight')
  return shapes
}

export const headShapes = (config: Gpt2Config, classes: number): ParameterShapes =>
  new Map([[HEAD, [classes, config.n_embd]]])
