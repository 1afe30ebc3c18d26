/**
 * The forms in which people bring data, told by their columns, and the template of each.
 * @module
 */
import type { Row, Value } from '../row.ts'
import type { DataTask, TemplateSource } from './template_source.ts'

interface Form {
  readonly tasks: readonly DataTask[]
  /** As an error lists it. */
  readonly name: string
  /** Each entry must be there; of an entry's alternatives, the first that is there is taken. */
  readonly columns: readonly (readonly string[])[]
  /** The template, given the columns that were taken and whether there is another one. */
  readonly template: (columns: readonly string[], has: (column: string) => boolean) => TemplateSource
}

const ROLES = {
  system: '{{ content }}\n\n',
  user: '### Instruction: {{ content }}\n\n### Response:',
  assistant: ' {{ content }}<|endoftext|>',
}

const chat = (messages: string, replies?: string): TemplateSource => ({
  ...ROLES,
  messages,
  ...(replies === undefined ? {} : { replies }),
})

/** The form of Dolly (Databricks, 2023), after Alpaca's (Stanford, 2023). No context section where it is empty. */
const instruction: Form['template'] = ([request, response], has) => ({
  prompt: instructionPrompt(request!, has),
  completion: ` {{ ${response} }}<|endoftext|>`,
})

function instructionPrompt(request: string, has: (column: string) => boolean): string {
  const context = ['context', 'input'].find(has)
  const given = `${context} is defined and ${context} | default("", true) | trim`
  const section = context ? `{% if ${given} %}### Context: {{ ${context} }}\n\n{% endif %}` : ''
  return `### Instruction: {{ ${request} }}\n\n${section}### Response:`
}

const dictionary: Form['template'] = (_, has) => {
  const entry = (heading: string, column: string) => ({
    prompt: `Word: {{ word }} ; ${heading}:`,
    completion: ` {{ ${column} }}<|endoftext|>`,
  })
  const definition = entry('Definition', 'definition')
  return has('example') ? [definition, { ...entry('Example', 'example'), requires: ['example'] }] : definition
}

/** Two answers, after what the prompt leaves to them: nothing, or a blank. */
const answers = (
  [chosen, rejected]: readonly (string | undefined)[],
  before: string,
  has: (column: string) => boolean,
) => ({
  chosen: `${before}{{ ${chosen} }}<|endoftext|>`,
  rejected: `${before}{{ ${rejected} }}<|endoftext|>`,
  ...(has('margin') ? { margin: '{{ margin }}' } : {}),
})

const DEFINITION_PROMPT = 'Word: {{ word }} ; Definition:'

/** Two texts with an end of text between them: ids(first) + [end of text] + ids(second). */
const pair: Form['template'] = ([first, second, label]) => ({
  text: `{{ ${first} }}<|endoftext|>{{ ${second} }}`,
  label: `{{ ${label} }}`,
})

const TEXTS_TO_LEARN: readonly Omit<Form, 'tasks'>[] = [
  { name: 'messages', columns: [['messages']], template: () => chat('messages') },
  { name: 'conversations', columns: [['conversations']], template: () => chat('conversations') },
  {
    name: 'prompt, completion',
    columns: [['prompt'], ['completion']],
    template: () => ({ prompt: '{{ prompt }}', completion: '{{ completion }}<|endoftext|>' }),
  },
  {
    name: 'instruction, response (or output), with or without context (or input)',
    columns: [['instruction'], ['response', 'output']],
    template: instruction,
  },
  { name: 'question, answer', columns: [['question'], ['answer']], template: instruction },
  {
    name: 'word, definition, with or without example',
    columns: [['word'], ['definition']],
    template: dictionary,
  },
]

/** Each with or without a column `margin`. */
const PAIRS: readonly Omit<Form, 'tasks'>[] = [
  {
    name: 'prompt, chosen, rejected',
    columns: [['prompt'], ['chosen'], ['rejected']],
    template: ([, ...both], has) => ({ prompt: '{{ prompt }}', ...answers(both, '', has) }),
  },
  ...[
    ['instruction', 'chosen', 'rejected'],
    ['question', 'chosen', 'rejected'],
    ['Question', 'More_Prefered', 'Less_Prefered'],
  ].map((columns) => ({
    name: columns.join(', '),
    columns: columns.map((column) => [column]),
    template: ([request, ...both]: readonly string[], has: (column: string) => boolean) => {
      return { prompt: instructionPrompt(request!, has), ...answers(both, ' ', has) }
    },
  })),
  {
    name: 'word, chosen, rejected',
    columns: [['word'], ['chosen'], ['rejected']],
    template: ([, ...both], has) => ({ prompt: DEFINITION_PROMPT, ...answers(both, ' ', has) }),
  },
  {
    name: 'chosen, rejected (which begin with the same prompt)',
    columns: [['chosen'], ['rejected']],
    template: (both, has) => answers(both, '', has),
  },
]

const PROMPTS: readonly Omit<Form, 'tasks'>[] = [
  { name: 'prompt', columns: [['prompt']], template: () => ({ prompt: '{{ prompt }}' }) },
  ...['instruction', 'question'].map((column) => ({
    name: column,
    columns: [[column]],
    template: ([request]: readonly string[], has: (column: string) => boolean) => {
      return { prompt: instructionPrompt(request!, has) }
    },
  })),
  { name: 'word', columns: [['word']], template: () => ({ prompt: DEFINITION_PROMPT }) },
]

/** The first that fits is taken. */
const FORMS: readonly Form[] = [
  ...TEXTS_TO_LEARN.map((form) => ({ ...form, tasks: ['sft', 'prompt'] as const })),
  ...PAIRS.map((form) => ({ ...form, tasks: ['preference', 'prompt'] as const })),
  ...PROMPTS.map((form) => ({ ...form, tasks: ['prompt'] as const })),
  {
    tasks: ['sft'],
    name: 'text',
    columns: [['text']],
    template: () => ({ text: '{{ text }}<|endoftext|>' }),
  },
  ...[
    ['sentence1', 'sentence2'],
    ['premise', 'hypothesis'],
    ['question1', 'question2'],
    ['question', 'sentence'],
  ].map(([first, second]): Form => ({
    tasks: ['classification'],
    name: `${first}, ${second}, label`,
    columns: [[first!], [second!], ['label']],
    template: pair,
  })),
  {
    tasks: ['classification'],
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
    if (!form.tasks.includes(task) || taken.includes(undefined)) continue
    return form.template(taken as string[], has)
  }
  return undefined
}

/** The same for a row, which also tells columns of messages (TRL's conversational forms) from texts. */
export function detectTemplateOfRow(row: Row, task: DataTask): TemplateSource | undefined {
  const [prompt, completion, chosen, rejected] = ['prompt', 'completion', 'chosen', 'rejected'].map(
    (column) => isMessages(row[column]),
  )
  if (chosen && rejected && (task === 'preference' || task === 'prompt')) {
    const margin = Object.hasOwn(row, 'margin') ? { margin: '{{ margin }}' } : {}
    return {
      ...ROLES,
      ...(prompt ? { messages: 'prompt' } : {}),
      chosen: 'chosen',
      rejected: 'rejected',
      ...margin,
    }
  }
  if (prompt && completion && (task === 'sft' || task === 'prompt')) return chat('prompt', 'completion')
  if (prompt && task === 'prompt') return chat('prompt')
  return detectTemplate(Object.keys(row), task)
}

const isMessages = (value: Value | undefined): boolean =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((item: Value) => typeof item === 'object' && item !== null)

/** The forms of a task as a sentence lists them. */
export const listForms = (task: DataTask): string =>
  FORMS.filter((form) => form.tasks.includes(task))
    .map(({ name }) => name)
    .join('; ')
