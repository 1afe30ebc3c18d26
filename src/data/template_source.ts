/**
 * Templates as people write them: nunjucks over the columns of a row.
 * @module
 */

interface Requiring {
  /** Columns that must hold something; a row without gives no example. */
  readonly requires?: readonly string[] | undefined
}

/** Loss on the completion. */
export interface CompletionTemplate extends Requiring {
  readonly prompt: string
  readonly completion: string
}

/** Loss on all of a plain text. */
export interface TextTemplate extends Requiring {
  readonly text: string
}

/** A text for each role of a conversation, over `content`; loss on what the assistant says. */
export interface ChatTemplate {
  readonly user: string
  readonly assistant: string
  readonly system?: string | undefined
  /** The column with the list of messages, `messages` by default. */
  readonly messages?: string | undefined
  /** A column with the messages that follow; in a row that has it, they alone carry loss. */
  readonly replies?: string | undefined
}

/** A text and its class. */
export interface LabelTemplate {
  readonly text: string
  readonly label: string
}

/** Templates of causal language modelling. Of a list, each gives an example of its own. */
export type CausalTemplate =
  CompletionTemplate | TextTemplate | ChatTemplate | readonly (CompletionTemplate | TextTemplate)[]

export type TemplateSource = CausalTemplate | LabelTemplate

/** What a model learns: to write on (`sft`), or to tell which class a text is of. */
export type DataTask = 'sft' | 'classification'

/** Whether the template gives a class and not a text to learn. */
export const hasLabel = (template: TemplateSource): template is LabelTemplate => 'label' in template

/** The columns named in `requires`. */
export function requiredColumns(template: TemplateSource): string[] {
  const parts = 'length' in template ? template : [template]
  return parts.flatMap((part) => ('requires' in part ? (part.requires ?? []) : []))
}
