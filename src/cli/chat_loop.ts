/**
 * The turns of `ortune chat`: ask, answer, until the lines end.
 * @module
 */
import { UserError } from '../errors.ts'
import type { Chat, Replied } from '../generation/chat.ts'
import type { Answers, Question } from '../generation/chat_form.ts'
import { nearest } from '../nearest.ts'
import type { LessonCommands, LessonRecord } from './lesson_commands.ts'
import { isLesson, LESSON_COMMANDS } from './lesson_commands.ts'

/** What came of what was typed. */
export type ChatRecord = ({ readonly kind: 'reply'; readonly answers: Answers } & Replied) | LessonRecord

/** Where a conversation takes place. */
export interface ChatPlace {
  readonly lines: AsyncIterable<string>
  /** Whether a person sees each question; then a mistake is said, and the next try awaited. */
  readonly interactive: boolean
  ask(question: Question): void
  /** Takes a reply, in pieces. */
  write(piece: string): void
  /** Takes a sentence about the conversation. */
  say(sentence: string): void
  /** Takes what came of a line, where somebody wants it as data: a reply, or a lesson with what it cost. */
  record?(line: ChatRecord): void
  /** For each reply: what ends it early. */
  interruption?(): AbortSignal
}

/** What may be typed in place of an answer. */
const COMMANDS = {
  '/help': 'shows this',
  '/reset': 'forgets what was said',
  '/exit': 'ends the conversation, as Ctrl-D does',
  '/system': 'takes the rest of the line as the system message; alone, it takes it back',
}

const helpOf = (commands: Readonly<Record<string, string>>): string =>
  Object.entries(commands)
    .map(([name, does]) => `  ${name.padEnd(8)} ${does}`)
    .join('\n')

/** As `/help` and the command's help show them. */
export const CHAT_HELP = `${helpOf(COMMANDS)}\n  Ctrl-C   ends a reply`

/** Those of a conversation in which the model learns. */
export const LESSON_HELP = helpOf(LESSON_COMMANDS)

/**
 * Reads the questions' answers line by line and lets the model reply to them, but for what is a command.
 *
 * @param lessons where the model learns; by default it does not, and their commands are none
 */
export async function chatLoop(chat: Chat, place: ChatPlace, lessons?: LessonCommands): Promise<void> {
  const { questions, kind } = chat.form
  let answers: Answers = {}
  const next = () => questions.find(({ name }) => !(name in answers))

  async function reply(): Promise<void> {
    const given = answers
    answers = {}
    if (kind === 'continuation') place.write(given['text']!)
    await forgiving(async () => {
      const replied = await chat.reply(given, (piece) => place.write(piece), place.interruption?.())
      place.record?.({ kind: 'reply', answers: given, ...replied })
    })
    place.write('\n')
    await lessons?.keep()
  }

  /** A person may try again after a mistake. */
  async function forgiving(act: () => void | Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (!(place.interactive && error instanceof UserError)) throw error
      place.say(error.message)
    }
  }

  place.ask(questions[0]!)
  for await (const line of place.lines) {
    const question = next()!
    if (line === '/exit') return
    if (line === '/reset') {
      chat.reset()
      answers = {}
      await lessons?.keep()
    } else if (/^\/system(\s|$)/.test(line)) {
      const text = line.slice('/system'.length).trim()
      await forgiving(() => chat.setSystem(text === '' ? undefined : text))
      await lessons?.keep()
    } else if (lessons?.takes(line)) {
      await forgiving(() => lessons.run(line))
    } else if (line === '/help') {
      place.say(lessons ? `${CHAT_HELP}\n${LESSON_HELP}` : CHAT_HELP)
    } else if (!lessons && isLesson(line)) {
      await forgiving(() => {
        throw new UserError('the model learns nothing here; begin the conversation with --learn')
      })
    } else if (place.interactive && misspelt(line, lessons !== undefined)) {
      place.say(`There is no ${line}; did you mean ${misspelt(line, lessons !== undefined)}?`)
    } else if (line.trim() !== '' || question.optional) {
      answers = { ...answers, [question.name]: line.trim() === '' ? '' : line }
      if (!next()) await reply()
    }
    place.ask(next()!)
  }
  // What may be left empty need not be answered at the end.
  const begun = Object.keys(answers).length > 0
  if (begun && questions.every(({ name, optional }) => optional || name in answers)) {
    for (const { name } of questions) answers = { [name]: '', ...answers }
    await reply()
  }
}

/** The command that a line is nearly. */
const misspelt = (line: string, learns: boolean): string | undefined =>
  /^\/\w+$/.test(line)
    ? nearest(line, Object.keys(learns ? { ...COMMANDS, ...LESSON_COMMANDS } : COMMANDS))
    : undefined
