/**
 * What may be typed to a model that learns while it is talked to.
 * @module
 */
import { UserError } from '../errors.ts'
import type { Chat } from '../generation/chat.ts'
import { shortenSentence } from '../quote.ts'
import type { Forgotten, Lessons } from '../runs/lessons/lessons.ts'
import type { ChatPlace } from './chat_loop.ts'

export const LESSON_COMMANDS = {
  '/learn': 'teaches the model the rest of the line',
  '/correct': 'puts the rest of the line in the place of the last answer, and teaches it',
  '/forget': 'takes the last lesson back; /forget all takes back all',
}

export interface LessonCommands {
  /** Whether a line is one of them. */
  takes(line: string): boolean
  /** Throws UserError for what cannot be learned. */
  run(line: string): Promise<void>
  /** Keeps the conversation as it is. */
  keep(): Promise<void>
}

/** A lesson, or lessons that were taken back, with their cost: log p of each text in nats, and held-out perplexity. */
export type LessonRecord =
  | ({ readonly kind: 'learn' | 'correct' } & Omit<Taught, 'tokens' | 'learned'>)
  | { readonly kind: 'forget'; readonly texts: Forgotten['texts']; readonly perplexity: Change | null }

const COMMAND = /^(\/(?:learn|correct|forget))(?:\s+(.*))?$/s

export const isLesson = (line: string): boolean => COMMAND.test(line)

/** @param place takes what a lesson cost, in a sentence and as data */
export function lessonCommands(
  lessons: Lessons,
  chat: Chat,
  place: Pick<ChatPlace, 'say' | 'record'>,
): LessonCommands {
  const say = (sentence: string) => place.say(sentence)
  const keep = () => lessons.keep(chat.conversation())
  const actions: Record<keyof typeof LESSON_COMMANDS, (rest: string) => Promise<void>> = {
    async '/learn'(text) {
      if (text === '') throw new UserError('there is nothing to learn; write a text after /learn')
      tell('learn', await lessons.learn(text))
    },
    async '/correct'(text) {
      if (text === '') throw new UserError('there is no answer; write the right one after /correct')
      tell('correct', await lessons.correct({ text, ...chat.correction(text) }))
      chat.replaceReply(text)
      await keep()
    },
    async '/forget'(rest) {
      if (rest !== '' && rest !== 'all')
        throw new UserError(
          `there is no "/forget ${shortenSentence(rest, 40)}"; write /forget or /forget all`,
        )
      const gone = await lessons.forget(rest === 'all')
      place.record?.({ kind: 'forget', texts: gone?.texts ?? [], perplexity: gone?.perplexity ?? null })
      if (!gone) return say('There is no lesson to forget.')
      for (const { text, log_probability } of gone.texts)
        say(`forgot ${titled(text)}: log p ${arrow(log_probability, 2)} nats`)
      say(`  held-out perplexity ${costs(gone.perplexity)}`)
    },
  }

  function tell(kind: 'learn' | 'correct', lesson: Taught): void {
    const { text, log_probability, perplexity, steps, strength } = lesson
    const folded = strength === undefined ? {} : { strength }
    place.record?.({ kind, text, log_probability, perplexity, steps, ...folded })
    say(
      `learned ${titled(text)}: log p ${arrow(log_probability, 2)} nats, held-out perplexity ${costs(perplexity)}, ${tookText(steps, strength)}`,
    )
  }

  return {
    takes: isLesson,
    async run(line) {
      const [, name, rest = ''] = COMMAND.exec(line)!
      await actions[name as keyof typeof LESSON_COMMANDS](rest.trim())
    },
    keep,
  }
}

/** `12 steps`, `folded at 2`, `folded at 0.5 and 7 steps` */
function tookText(steps: number, strength = 0): string {
  const taken = steps === 1 ? '1 step' : `${steps} steps`
  if (strength === 0) return taken
  return steps === 0 ? `folded at ${strength}` : `folded at ${strength} and ${taken}`
}

type Taught = Awaited<ReturnType<Lessons['learn']>>

interface Change {
  readonly before: number
  readonly after: number
}

const titled = (text: string): string => `"${shortenSentence(text, 60)}"`

const arrow = ({ before, after }: Change, digits: number): string =>
  `${before.toFixed(digits)} → ${after.toFixed(digits)}`

function costs(change: Change): string {
  const percent = 100 * (change.after / change.before - 1)
  return `${arrow(change, 3)} (${percent > 0 ? '+' : ''}${percent.toFixed(2)} %)`
}
