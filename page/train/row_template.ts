/** The template of a row as fields, each with a text over its columns. @module */
import type { PageTask } from './tasks.ts'

interface Part {
  readonly key: string
  readonly label: string
  /** Whether it is written after a prompt, up to the end of text. */
  readonly answers?: true
}

const PROMPT: Part = { key: 'prompt', label: 'Prompt' }

/** What an example is made of; what is left empty is left out. */
export const parts: Readonly<Record<PageTask, readonly Part[]>> = {
  sft: [
    PROMPT,
    { key: 'completion', label: 'Completion, which is learned', answers: true },
    { key: 'text', label: 'Text that is learned whole, in place of both' },
  ],
  classification: [
    { key: 'text', label: 'Text' },
    { key: 'label', label: 'Class' },
  ],
  dpo: [
    PROMPT,
    { key: 'chosen', label: 'Better answer', answers: true },
    { key: 'rejected', label: 'Worse answer', answers: true },
  ],
  ppo: [PROMPT],
}

type Template = Readonly<Record<string, unknown>>

/** A template to begin with: the one that there is, or the columns in their order. */
export const templateToEdit = (
  task: PageTask,
  given: object | undefined,
  columns: readonly string[],
): Template =>
  (given as Template | undefined) ??
  Object.fromEntries(
    parts[task].flatMap(({ key, answers }, i) => {
      const column = columns.at(i - parts[task].length)
      return column === undefined ? [] : [[key, answers ? ` ${column}<|endoftext|>` : column]]
    }),
  )

/** Whether fields can say it: chats and several templates at once are of other keys. */
export const isOfFields = (template: Template): boolean => !Array.isArray(template) && !('user' in template)

/** What is in the fields. */
export const fieldsOf = (task: PageTask, template: Template): Readonly<Record<string, string>> =>
  Object.fromEntries(
    parts[task].map(({ key }) => [key, typeof template[key] === 'string' ? template[key] : '']),
  )

/** The template with what is filled in; keys that have no field, such as `margin`, stay. */
export function withFields(
  task: PageTask,
  template: Template,
  filled: Readonly<Record<string, string>>,
): Template {
  const keys = parts[task].map(({ key }) => key)
  const others = Object.entries(template).filter(([key]) => !keys.includes(key))
  const own = keys.flatMap((key) => (filled[key] ? [[key, filled[key]] as const] : []))
  return Object.fromEntries([...own, ...others])
}
