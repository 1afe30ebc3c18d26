/**
 * The template of a person's data, told by its columns.
 * @module
 */
import type { DataKindName } from '../kinds/index.ts'
import { kindNamed } from '../kinds/index.ts'
import type { Row } from '../row.ts'
import type { TemplateSource } from './template_source.ts'

/** The template for data of these columns; undefined where they are of no known form. */
export function detectTemplate(columns: readonly string[], kind: DataKindName): TemplateSource | undefined {
  const has = (column: string): boolean => columns.includes(column)
  for (const form of kindNamed(kind).forms) {
    const taken = form.columns.map((alternatives) => alternatives.find(has))
    if (!taken.includes(undefined)) return form.template(taken as string[], has)
  }
  return undefined
}

/** The same for a row, which also tells columns of messages (TRL's conversational forms) from texts. */
export function detectTemplateOfRow(row: Row, kind: DataKindName): TemplateSource | undefined {
  for (const form of kindNamed(kind).messageForms) {
    const template = form(row)
    if (template) return template
  }
  return detectTemplate(Object.keys(row), kind)
}

/** The forms of a kind as a sentence lists them. */
export const listForms = (kind: DataKindName): string =>
  kindNamed(kind)
    .forms.map(({ name }) => name)
    .join('; ')
