/**
 * A row of columns to segments of text, with and without loss.
 * @module
 */
import { compileConversation } from './conversation.ts'
import type { Row, Value } from '../row.ts'
import type { ControlTokens } from './jinja.ts'
import { compilePart, nullAsEmpty } from './template_part.ts'
import { isConversing } from './template_source.ts'
import type { SftTemplate, CompletionTemplate, TextTemplate } from './template_source.ts'

/** A stretch of text that is tokenised by itself. END_MARK stands for the end of text. */
export interface Segment {
  readonly text: string
  /** Whether its tokens carry loss. */
  readonly learned: boolean
}

/** One example. */
export type Rendered = readonly Segment[]

export interface Template {
  /** Columns that a prompt needs: those of the (first) prompt, or the conversation's. None for plain text. */
  readonly promptVariables: readonly string[]
  /** The examples of a row, none where required columns are empty; `where` names the row in errors. */
  render(row: Row, where: string): readonly Rendered[]
  /**
   * What comes before the text to generate: the completion's columns may be missing, a conversation ends with the
   * user. Empty for plain text.
   */
  renderPrompt(row: Row, where: string): string
}

/**
 * Compiles a template.
 *
 * @example
 * compileTemplate({ prompt: 'Word: {{word}} ; Definition:', completion: ' {{definition}}<|endoftext|>' })
 * @param tokens what chat templates write; others need none
 * @throws UserError where it is malformed, or uses what templates may not.
 */
export function compileTemplate(source: SftTemplate, tokens?: ControlTokens): Template {
  if (isConversing(source)) return compileConversation(source, tokens)
  const templates = 'length' in source ? source.map(compileOne) : [compileOne(source)]
  const [first] = templates
  return {
    promptVariables: first?.promptVariables ?? [],
    render: (row, where) => templates.flatMap((template) => template.render(row, where)),
    renderPrompt: (row, where) => first?.renderPrompt(row, where) ?? '',
  }
}

function compileOne(source: CompletionTemplate | TextTemplate): Template {
  const requires = source.requires ?? []
  const prompt = 'text' in source ? undefined : compilePart(source.prompt, 'prompt')
  const learned =
    'text' in source ? compilePart(source.text, 'text') : compilePart(source.completion, 'completion')
  const renderPrompt = (row: Row, where: string): string => prompt?.render(row, where) ?? ''
  return {
    promptVariables: prompt?.variables ?? [],
    renderPrompt,
    render(row, where) {
      if (!requires.every((column) => isFilled(row[column]))) return []
      const completion = { text: learned.render(nullAsEmpty(row, learned), where), learned: true }
      return [prompt ? [{ text: renderPrompt(row, where), learned: false }, completion] : [completion]]
    },
  }
}

/** Whether a column holds more than white space. */
export const isFilled = (value: Value | undefined): boolean =>
  value !== undefined && value !== null && !(typeof value === 'string' && value.trim() === '')
