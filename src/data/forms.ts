/**
 * The forms in which people bring data, told by their columns, and the template of each.
 * @module
 */
import type { Row, Value } from './row.ts'
import type { DataTask, TemplateSource } from './template_source.ts'

interface Form {
  readonly task: DataTask
  /** As an error lists it. */
  readonly name: string
  /** Each entry must be there; of an entry's alternatives, the first that is there is taken. */
  readonly columns: readonly (readonly string[])[]
  /** The template, given the columns that were taken and whether there is another one. */
  readonly template: (columns: readonly string[], has: (column: string) => boolean) => TemplateSource
}

const chat = (messages: string, replies?: string): TemplateSource => ({
  system: '{{ content }}\n\n',
  user: '### Instruction: {{ content }}\n\n### Response:',
  assistant: ' {{ content }}<|endoftext|>',
  messages,
  ...(replies === undefined ? {} : { replies }),
})

/** The form of Dolly (Databricks, 2023), after Alpaca's (Stanford, 2023). No context section where it is empty. */
const instruction: Form['template'] = ([request, response], has) => {
  const context = ['context', 'input'].find(has)
  const given = `${context} is defined and ${context} | default("", true) | trim`
  const section = context ? `{% if ${given} %}### Context: {{ ${context} }}\n\n{% endif %}` : ''
  return {
    prompt: `### Instruction: {{ ${request} }}\n\n${section}### Response:`,
    completion: ` {{ ${response} }}<|endoftext|>`,
  }
}

const dictionary: Form['template'] = (_, has) => {
  const entry = (heading: string, column: string) => ({
    prompt: `Word: {{ word }} ; ${heading}:`,
    completion: ` {{ ${column} }}<|endoftext|>`,
  })
  const definition = entry('Definition', 'definition')
  return has('example') ? [definition, { ...entry('Example', 'example'), requires: ['example'] }] : definition
}

/** Two texts with an end of text between them: ids(first) + [end of text] + ids(second). */
const pair: Form['template'] = ([first, second, label]) => ({
  text: `{{ ${first} }}<|endoftext|>{{ ${second} }}`,
  label: `{{ ${label} }}`,
})

/** The first that fits is taken. */
const FORMS: readonly Form[] = [
  { task: 'sft', name: 'messages', columns: [['messages']], template: () => chat('messages') },
  { task: 'sft', name: 'conversations', columns: [['conversations']], template: () => chat('conversations') },
  {
    task: 'sft',
    name: 'prompt, completion',
    columns: [['prompt'], ['completion']],
    template: () => ({ prompt: '{{ prompt }}', completion: '{{ completion }}<|endoftext|>' }),
  },
  {
    task: 'sft',
    name: 'instruction, response (or output), with or without context (or input)',
    columns: [['instruction'], ['response', 'output']],
    template: instruction,
  },
  {
    task: 'sft',
    name: 'question, answer',
    columns: [['question'], ['answer']],
    template: instruction,
  },
  {
    task: 'sft',
    name: 'word, definition, with or without example',
    columns: [['word'], ['definition']],
    template: dictionary,
  },
  { task: 'sft', name: 'text', columns: [['text']], template: () => ({ text: '{{ text }}<|endoftext|>' }) },
  ...[
    ['sentence1', 'sentence2'],
    ['premise', 'hypothesis'],
    ['question1', 'question2'],
    ['question', 'sentence'],
  ].map(
    ([first, second]): Form => ({
      task: 'classification',
      name: `${first}, ${second}, label`,
      columns: [[first!], [second!], ['label']],
      template: pair,
    }),
  ),
  {
    task: 'classification',
    name: 'text (or sentence), label',
    columns: [['text', 'sentence'], ['label']],
    template: ([text, label]) => ({ text: `{{ ${text} }}`, label: `{{ ${label} }}` }),
  },
]

/** The template for data of these columns; undefined where they are of no known form. */
export function detectTemplate(columns: readonly string[], task: DataTask): TemplateSource | undefined {
  const has = (column: string): boolean => columns.includes(column)
  for (const form of FORMS) {
    const taken = form.columns.map((alternatives) => alternatives.find(has))
    if (form.task !== task || taken.includes(undefined)) continue
    return form.template(taken as string[], has)
  }
  return undefined
}

/** The same for a row, which also tells a prompt and a completion of messages (TRL's conversational form) from texts. */
export function detectTemplateOfRow(row: Row, task: DataTask): TemplateSource | undefined {
  const apart = isMessages(row['prompt']) && isMessages(row['completion'])
  return apart && task === 'sft' ? chat('prompt', 'completion') : detectTemplate(Object.keys(row), task)
}

const isMessages = (value: Value | undefined): boolean =>
  Array.isArray(value) && value.every((item: Value) => typeof item === 'object' && item !== null)

/** The forms of a task as a sentence lists them. */
export const listForms = (task: DataTask): string =>
  FORMS.filter((form) => form.task === task)
    .map(({ name }) => name)
    .join('; ')
