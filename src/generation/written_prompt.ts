/**
 * What a person gives a model to answer, written as the template wrote what it has learned from.
 * @module
 */
import { UserError } from '../errors.ts'
import type { Row } from '../data/row.ts'
import { beginText, encodeStretches } from '../data/examples/encode_stretches.ts'
import { END_OF_TEXT, withoutMarks } from '../data/templates/end_of_text.ts'
import { isRow, parseJson } from '../data/templates/given_texts.ts'
import { compileTemplate } from '../data/templates/template.ts'
import type { ControlTokens } from '../data/templates/jinja.ts'
import { isConversing } from '../data/templates/template_source.ts'
import type { WritingTemplate } from '../data/templates/template_source.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import type { ChatForm, Question } from './chat_form.ts'
import { chatForm } from './chat_form.ts'

/** A text as it is; or the stretches of a rendered template, tokenised one by one, in which END_MARK ends a text. */
export type GivenPrompt = string | readonly string[]

/** A prompt as a person reads it. */
export const promptText = (prompt: GivenPrompt): string =>
  typeof prompt === 'string' ? prompt : withoutMarks(prompt.join(''))

/** The tokens of a prompt, those first that the tokenizer begins texts with. */
export const promptIds = (tokenizer: Tokenizer, prompt: GivenPrompt): number[] =>
  typeof prompt === 'string'
    ? beginText(tokenizer, tokenizer.encode(prompt))
    : encodeStretches(tokenizer, prompt).flat()

/** Stands for what is filled in; of the private use area, so hardly part of a template. */
const FILLED = '\uE001'

/**
 * Writes one prompt after another. A row gives the template its columns, which of a conversation is that of its messages. A
 * text is the one column that the template needs, or a JSON object of its columns; one that is written as the template writes
 * already stays as it is, as does every text where there is no template, or one of plain texts.
 *
 * @returns stretches where the template has written, else the text
 * @throws UserError where a text is none of these, or a row has not the columns that the template needs
 */
export function promptWriter(
  template: WritingTemplate | undefined,
  tokens: ControlTokens,
): (given: string | Row, where: string) => GivenPrompt {
  const form = chatForm(template, tokens)
  if (!template || form.kind === 'continuation') return asItIs
  const messages = isConversing(template) ? (template.messages ?? 'messages') : undefined
  const needed = form.questions.filter(({ optional }) => !optional)
  const written = writtenAlready(form, tokens)

  function fromRow(row: Row, where: string): readonly string[] {
    if (messages !== undefined) {
      if (Object.hasOwn(row, messages))
        return [compileTemplate(template!, tokens).renderPrompt(row, where), ...openingOf(form)]
      throw new UserError(
        `${where}: there is no column "${messages}" with the conversation; give it, or the text`,
      )
    }
    const missing = needed.find(({ name }) => !Object.hasOwn(row, name))
    if (missing)
      throw new UserError(
        `${where}: there is no column "${missing.name}"; the run's template reads ${list(form.questions)}`,
      )
    const stranger = Object.keys(row).find(
      (name) => !form.questions.some((question) => question.name === name),
    )
    if (stranger !== undefined && !answerColumns(template!).includes(stranger))
      throw new UserError(
        `${where}: the run's template does not read the column "${stranger}"; give ${list(form.questions)}`,
      )
    const answers = form.questions.map(({ name }) => [name, row[name] ?? ''] as const)
    return form.prompt(Object.fromEntries(answers) as Record<string, string>, [])
  }

  return (given, where) => {
    if (typeof given !== 'string') return fromRow(given, where)
    if (written(given)) return given
    const value = parseJson(given)
    const columns = messages === undefined ? form.questions.map(({ name }) => name) : [messages]
    if (isRow(value) && columns.some((name) => Object.hasOwn(value, name))) return fromRow(value, where)
    if (messages !== undefined) return form.prompt({ you: given }, [])
    const [only, ...others] = needed.length > 0 ? needed : form.questions
    if (others.length === 0) return fromRow({ [only!.name]: given }, where)
    const example = JSON.stringify(Object.fromEntries(needed.map(({ name }) => [name, '…'])))
    throw new UserError(
      `${where} is neither written as the run's template writes nor a JSON object of its columns; write ${example}, or give --raw to have it continued as it is`,
    )
  }
}

/** Columns that may be empty, beyond which not every choice of them is looked at. */
const MANY = 4

/**
 * What tells the prompts of a concept: those whose first column has this value, whatever the others have, or in a conversation
 * those that end with a user who says it.
 *
 * @returns patterns of whole prompts, white space around them aside; none for a template of plain texts
 */
export function promptsOfConcept(
  template: WritingTemplate,
  concept: string,
  tokens: ControlTokens,
): readonly RegExp[] {
  const form = chatForm(template, tokens)
  if (form.kind === 'continuation') return []
  const pattern = (stretches: readonly string[]) =>
    promptText(stretches)
      .trim()
      .split(FILLED)
      .map(escaped)
      .join(String.raw`[\s\S]*`)
  if (form.kind === 'conversation') {
    // Where the template has the model learn what it writes before a reply, the prompt ends before that.
    const [said, ...opening] = form.prompt({ you: concept }, [])
    return [new RegExp(String.raw`${pattern([said!])}\s*(?:${pattern(opening)})?$`)]
  }
  const [first, ...others] = form.questions
  const choices = others.reduce<readonly Record<string, string>[]>(
    (begun, { name, optional }, i) =>
      begun.flatMap((answers) => [
        { ...answers, [name]: FILLED },
        ...(optional && i < MANY ? [{ ...answers, [name]: '' }] : []),
      ]),
    [{ [first!.name]: concept }],
  )
  return choices.map((answers) => new RegExp(`^${pattern(form.prompt(answers, []))}$`))
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)

function asItIs(given: string | Row, where: string): string {
  if (typeof given === 'string') return given
  throw new UserError(
    `${where} has columns, and there is no run's template that reads any; give a text by --prompt`,
  )
}

const list = (questions: readonly Question[]): string => questions.map(({ name }) => name).join(', ')

/** What the template of a conversation writes before a reply, after what the user says. */
const openingOf = (form: ChatForm): readonly string[] => form.prompt({ you: FILLED }, []).slice(1)

/** Columns of the answer, which a row of data has too. */
const answerColumns = (template: WritingTemplate): readonly string[] =>
  'completion' in template ? [...template.completion.matchAll(/\{\{\s*(\w+)/g)].map(([, name]) => name!) : []

/** Whether a text begins and ends with what the template writes around the columns. */
function writtenAlready(form: ChatForm, { special, eosId }: ControlTokens): (text: string) => boolean {
  const [end] = [...special].find(([, id]) => id === eosId) ?? [END_OF_TEXT]
  const filled = form.questions.map(({ name, optional }) => [name, optional ? '' : FILLED] as const)
  const text = promptText(form.prompt(Object.fromEntries(filled), []))
  if (!text.includes(FILLED)) return () => false
  const [before, after] = [text.split(FILLED)[0]!.trimEnd(), text.split(FILLED).at(-1)!.trimEnd()]
  if (before.trim() === '' && after.trim() === '') return () => false
  // The end of text may be written as a template of the run writes it, or as the token that it is.
  return (given) => {
    const text = given.replaceAll(end, END_OF_TEXT).trimEnd()
    return text.startsWith(before) && text.endsWith(after)
  }
}
