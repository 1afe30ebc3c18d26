/** @module */
import type { ModelConfig } from '../../graphs/models/family.ts'
import { formatOf } from '../formats/families/family.ts'

/**
 * A line about the dropout that a model's `config.json` asks for and training leaves out, where it asks for some.
 *
 * Transformers drops embeddings, attention weights and what each block adds (Srivastava et al. 2014); here only the vector before a
 * head is dropped from, as `classifier_dropout` of a run says.
 */
export function dropoutNote(config: ModelConfig): string {
  const asked = formatOf(config).dropouts.flatMap((key) => {
    const value = (config as unknown as Record<string, unknown>)[key]
    return typeof value === 'number' && value > 0 ? [`${key} ${value}`] : []
  })
  if (asked.length === 0) return ''
  return (
    `The model's config.json asks for dropout (${asked.join(', ')}), which training here does not apply: ` +
    'it drops features before a head only, by classifier_dropout; hold a model back by weight_decay or fewer steps.\n'
  )
}
