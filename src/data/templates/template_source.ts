/**
 * Templates as people write them: nunjucks over the columns of a row.
 * @module
 */
import type { Value } from '../row.ts'

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

/** A text for each role of a conversation, over `content`. */
export interface RoleTexts {
  readonly user: string
  readonly assistant: string
  readonly system?: string | undefined
}

/** What a chat template of transformers writes. */
export interface JinjaTexts {
  /** Jinja2 over messages; in a configuration `model` for the model's own, or a file ending in `.jinja`. */
  readonly chat_template: string
  /** What it is given beside messages and tools, such as `enable_thinking`. */
  readonly chat_template_kwargs?: Readonly<Record<string, Value>> | undefined
  /** The column with the tools that the assistant may call, `tools` by default. */
  readonly tools?: string | undefined
}

interface Messages {
  /** The column with the list of messages, `messages` by default. */
  readonly messages?: string | undefined
  /** A column with the messages that follow; in a row that has it, they alone carry loss. */
  readonly replies?: string | undefined
}

/** A conversation by a text for each role; loss on what the assistant says. */
export interface ChatTemplate extends RoleTexts, Messages {}

/** A conversation by a chat template; loss on what the assistant says. */
export interface JinjaChatTemplate extends JinjaTexts, Messages {}

export type ConversationTemplate = ChatTemplate | JinjaChatTemplate

/** A text and its class. */
export interface LabelTemplate {
  readonly text: string
  readonly label: string
}

interface Margin {
  /** By how much the preferred answer is better, a number; without it 0. */
  readonly margin?: string | undefined
}

/** A prompt and two answers, of which `chosen` is the preferred one. */
export interface PreferenceTemplate extends Requiring, Margin {
  /** Without one, it is what both answers begin with. */
  readonly prompt?: string | undefined
  readonly chosen: string
  readonly rejected: string
}

/**
 * A conversation and two replies to it, each in the column that is named. Without a column of `messages`, the
 * conversation is what both columns of replies begin with.
 */
export type ChatPreferenceTemplate = (RoleTexts | JinjaTexts) & Omit<Messages, 'replies'> & Margin & Replies

interface Replies {
  readonly chosen: string
  readonly rejected: string
}

interface Judged {
  /** Whether the completion is desirable: true or false, 1 or 0. */
  readonly label: string
}

/** A prompt, a completion, and whether it is desirable. */
export interface UnpairedTemplate extends CompletionTemplate, Judged {}

/** A conversation, and whether its last reply is desirable. */
export type ChatUnpairedTemplate = ConversationTemplate & Judged

/** A prompt that a model is to answer. */
export interface PromptTemplate extends Requiring {
  readonly prompt: string
}

/** Templates of texts to learn, the task sft. Of a list, each gives an example of its own. */
export type SftTemplate =
  CompletionTemplate | TextTemplate | ConversationTemplate | readonly (CompletionTemplate | TextTemplate)[]

export type PairTemplate = PreferenceTemplate | ChatPreferenceTemplate

export type TemplateSource =
  SftTemplate | LabelTemplate | PairTemplate | UnpairedTemplate | ChatUnpairedTemplate | PromptTemplate

/** A template of a text that a model writes. */
export type WritingTemplate = CompletionTemplate | TextTemplate | ConversationTemplate

/** Whether the template writes conversations. */
export const isConversing = <T extends TemplateSource>(
  template: T,
): template is Extract<T, RoleTexts | JinjaTexts> => 'user' in template || 'chat_template' in template

/** Whether the template gives a class and not a text to learn. */
export const hasLabel = (template: TemplateSource): template is LabelTemplate =>
  'label' in template && 'text' in template

/** Whether the template gives two answers. */
export const hasPair = (template: TemplateSource): template is PairTemplate => 'chosen' in template

/** Whether the template gives a completion that is desirable or not. */
export const isUnpaired = (template: TemplateSource): template is UnpairedTemplate | ChatUnpairedTemplate =>
  'label' in template && !('text' in template)

/** Whether the template gives a text to learn. */
export const isSft = (template: TemplateSource): template is SftTemplate =>
  'length' in template ||
  (!('label' in template) &&
    ('completion' in template || 'text' in template || (isConversing(template) && !hasPair(template))))

/** The columns named in `requires`. */
export function requiredColumns(template: TemplateSource): string[] {
  const parts: readonly TemplateSource[] = 'length' in template ? template : [template]
  return parts.flatMap((part) => ('requires' in part ? (part.requires ?? []) : []))
}
