/**
 * Modules that are trained whole beside adapters, PEFT's `modules_to_save`: a token embedding, and a language model's head. The
 * copy that is trained is `<module>.modules_to_save.weight`; the model's own stays as it is, also as a head that is tied to it.
 * @module
 */
import type { ModelConfig } from './family.ts'
import { factsOf, familyOf } from './family.ts'
import { targetMatches } from './lora_config.ts'
import type { ParameterShapes } from './parameters.ts'

const SUFFIX = '.modules_to_save.weight'

/** The head of language models. */
export const LM_HEAD = 'lm_head'

/** The name of a module's copy. */
export const savedName = (module: string): string => module + SUFFIX

/** The module that a tensor is the copy of; undefined: it is none. */
export const savedModule = (name: string): string | undefined =>
  name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : undefined

/**
 * The copies of the modules that are named, by name or ending; a tied head is one as well, and begins as the embedding.
 *
 * @param shapes the model's own parameters
 * @throws where a name matches no embedding or head; the message lists those that would match
 */
export function savedShapes(
  config: ModelConfig,
  shapes: ParameterShapes,
  names: readonly string[] = [],
): ParameterShapes {
  const { unadapted, language } = familyOf(config)
  const { vocabulary, width } = factsOf(config)
  const there = new Map(
    unadapted.flatMap((module) => {
      const shape = shapes.get(`${module}.weight`)
      if (shape) return [[module, shape] as const]
      return module === LM_HEAD && language ? [[module, [vocabulary, width]] as const] : []
    }),
  )
  for (const name of names)
    if (![...there.keys()].some((module) => targetMatches(name, module)))
      throw new Error(
        `modules_to_save "${name}" matches no module; there are ${[...there.keys()].join(', ')}`,
      )
  return new Map(
    [...there]
      .filter(([module]) => names.some((name) => targetMatches(name, module)))
      .map(([module, shape]) => [savedName(module), shape]),
  )
}
