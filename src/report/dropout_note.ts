/** @module */
import type { ModelConfig } from '../../graphs/models/family.ts'
import { formatOf } from '../formats/families/family.ts'

/**
 * A line about the dropout that a model's `config.json` asks for and a run leaves out, where it asks for some.
 *
 * @param options of the run's task
 */
export function dropoutNote(config: ModelConfig, options: object = {}): string {
  if ('dropout' in options && options.dropout === 'model') return ''
  const asked = formatOf(config).dropouts.flatMap((key) => {
    const value = (config as unknown as Record<string, unknown>)[key]
    return typeof value === 'number' && value > 0 ? [`${key} ${value}`] : []
  })
  if (asked.length === 0) return ''
  return (
    `The model's config.json asks for dropout (${asked.join(', ')}), which this run does not apply: ` +
    'tasks sft and classification do where their option dropout is model.\n'
  )
}
