/**
 * A form in which people bring data, and the texts that the forms share.
 * @module
 */
import type { Row, Value } from '../row.ts'
import type { ChatTemplate, TemplateSource } from './template_source.ts'

export type HasColumn = (column: string) => boolean

export interface Form {
  /** As an error lists it. */
  readonly name: string
  /** Each entry must be there; of an entry's alternatives, the first that is there is taken. */
  readonly columns: readonly (readonly string[])[]
  /** The template, given the columns that were taken and whether there is another one. */
  readonly template: (columns: readonly string[], has: HasColumn) => TemplateSource
}

/** A form that a row's values tell: columns of messages, as in TRL's conversational forms. Undefined where it is none. */
export type MessageForm = (row: Row) => TemplateSource | undefined

/** Whether all these columns hold messages. */
export const holdMessages = (row: Row, ...columns: readonly string[]): boolean =>
  columns.every((column) => isMessages(row[column]))

const isMessages = (value: Value | undefined): boolean =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((item: Value) => typeof item === 'object' && item !== null)

export const ROLES = {
  system: '{{ content }}\n\n',
  user: '### Instruction: {{ content }}\n\n### Response:',
  assistant: ' {{ content }}<|endoftext|>',
}

export const chat = (messages: string, replies?: string): ChatTemplate => ({
  ...ROLES,
  messages,
  ...(replies === undefined ? {} : { replies }),
})

/** The form of Dolly (Databricks, 2023), after Alpaca's (Stanford, 2023). No context section where it is empty. */
export function instructionPrompt(request: string, has: HasColumn): string {
  const context = ['context', 'input'].find(has)
  const given = `${context} is defined and ${context} | default("", true) | trim`
  const section = context ? `{% if ${given} %}### Context: {{ ${context} }}\n\n{% endif %}` : ''
  return `### Instruction: {{ ${request} }}\n\n${section}### Response:`
}

export const DEFINITION_PROMPT = 'Word: {{ word }} ; Definition:'
