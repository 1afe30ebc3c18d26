/**
 * What a person who tries a model is asked for, and the prompt made of it: the one that the model has learned from.
 * @module
 */
import { compileTurns } from '../data/templates/conversation.ts'
import { END_MARK, END_OF_TEXT } from '../data/templates/end_of_text.ts'
import { compileTemplate } from '../data/templates/template.ts'
import type { ControlTokens } from '../data/templates/jinja.ts'
import type {
  ChatTemplate,
  CompletionTemplate,
  JinjaChatTemplate,
  WritingTemplate,
} from '../data/templates/template_source.ts'

export interface Question {
  readonly name: string
  /** Whether it may be left empty. */
  readonly optional: boolean
}

/** By the questions' names. */
export type Answers = Readonly<Record<string, string>>

/** What a person said and the model replied. */
export interface Turn {
  readonly answers: Answers
  readonly reply: string
}

export interface ChatForm {
  /** At least one. */
  readonly questions: readonly Question[]
  /** `conversation`: a prompt holds the turns before. `continuation`: the reply goes on where the person's text ends. */
  readonly kind: 'conversation' | 'prompt' | 'continuation'
  /** Whether a system message can begin it. */
  readonly takesSystem: boolean
  /**
   * The prompt, in stretches that are tokenised one by one. END_MARK stands for the end of text.
   *
   * @param system the system message, where `takesSystem` allows one
   */
  prompt(answers: Answers, before: readonly Turn[], system?: string): readonly string[]
}

/**
 * The form of a template; without one, or with one of plain text, the model continues what is written.
 *
 * @param tokens what chat templates write; others need none
 * @throws UserError where the template is malformed
 */
export function chatForm(template?: WritingTemplate, tokens?: ControlTokens): ChatForm {
  if (!template || 'text' in template) return continuation
  if ('chat_template' in template) return jinjaForm(template, tokens)
  return 'user' in template ? conversationForm(template) : promptForm(template)
}

const continuation: ChatForm = {
  questions: [{ name: 'text', optional: false }],
  kind: 'continuation',
  takesSystem: false,
  prompt: ({ text }) => [text!.replaceAll(END_OF_TEXT, END_MARK)],
}

/** Stands for the reply that is still to come; of the private use area, so hardly part of a template. */
const REPLY = '\uE000'

function conversationForm(source: ChatTemplate): ChatForm {
  const template = compileTemplate(source)
  return {
    questions: [{ name: 'you', optional: false }],
    kind: 'conversation',
    takesSystem: source.system !== undefined,
    prompt({ you }, before, system) {
      const messages = [
        ...(system === undefined ? [] : [{ role: 'system', content: system }]),
        ...before.flatMap(({ answers, reply }) => exchange(answers['you']!, reply)),
        ...exchange(you!, REPLY),
      ]
      const [segments] = template.render({ [source.messages ?? 'messages']: messages }, 'the conversation')
      const texts = segments!.map(({ text }) => text)
      // What the template writes before a reply; its last blank belongs to the reply's first word.
      const opening = texts.at(-1)!.split(REPLY)[0]!.trimEnd()
      return [...texts.slice(0, -1), ...(opening === '' ? [] : [opening])]
    },
  }
}

/** What the turns said, as messages. */
const exchange = (said: string, reply: string) => [
  { role: 'user', content: said },
  { role: 'assistant', content: reply },
]

/** It writes a system message where one is given, or its own where it has one. */
function jinjaForm(source: JinjaChatTemplate, tokens?: ControlTokens): ChatForm {
  const turns = compileTurns(source, tokens)
  return {
    questions: [{ name: 'you', optional: false }],
    kind: 'conversation',
    takesSystem: true,
    prompt({ you }, before, system) {
      const messages = [
        ...(system === undefined ? [] : [{ role: 'system', content: system }]),
        ...before.flatMap(({ answers, reply }) => exchange(answers['you']!, reply)),
        { role: 'user', content: you! },
      ]
      return turns.prompt(messages, 'the conversation', {})!
    },
  }
}

function promptForm(source: CompletionTemplate): ChatForm {
  const template = compileTemplate(source)
  const where = 'the prompt'
  /** Columns that rows may lack. */
  const unneeded = [...source.prompt.matchAll(/\b(\w+)\s+is\s+(?:not\s+)?defined\b/g)].map(
    ([, name]) => name!,
  )
  const names = [...new Set([...template.promptVariables, ...unneeded])]
  names.sort((a, b) => source.prompt.search(wordOf(a)) - source.prompt.search(wordOf(b)))

  /** A column that is only asked about, as in `{% if context %}`, may be null; one that is written out may not. */
  const canBeNull = (name: string): boolean => {
    try {
      template.renderPrompt(
        { ...Object.fromEntries(names.map((other) => [other, 'x'])), [name]: null },
        where,
      )
      return true
    } catch {
      return false
    }
  }
  const questions = names.map((name) => ({ name, optional: unneeded.includes(name) || canBeNull(name) }))
  return {
    questions: questions.length > 0 ? questions : [{ name: 'enter', optional: true }],
    kind: 'prompt',
    takesSystem: false,
    prompt(answers) {
      const given = Object.entries(answers).filter(([name, text]) => text !== '' || !unneeded.includes(name))
      return [template.renderPrompt(Object.fromEntries(given), where)]
    },
  }
}

const wordOf = (name: string): RegExp =>
  new RegExp(`(?<!\\w)${name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}(?!\\w)`)
