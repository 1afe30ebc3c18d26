/**
 * Conversations as a chat template of transformers writes them, and what of them the assistant says: what the template says so of, by
 * `{% generation %}`, or else what is added to a prompt by each reply.
 * @module
 */
import { UserError } from '../../errors.ts'
import { quote } from '../../quote.ts'
import type { Row, Value } from '../row.ts'
import { listColumns } from '../row.ts'
import { parseExactJson } from '../sources/exact_json.ts'
import { WHOLE_MARK } from './end_of_text.ts'
import type { ControlTokens } from './jinja.ts'
import { compileJinja, REPLY_BEGINS, REPLY_ENDS } from './jinja.ts'
import type { Segment } from './template.ts'
import type { JinjaTexts } from './template_source.ts'
import type { Answered, GivenMessage, Turns } from './turns.ts'

/** The column of variables that a row gives the template by itself. */
const VARIABLES = 'chat_template_kwargs'

/** Compiles a chat template. Throws UserError where it is malformed. */
export function jinjaTurns(
  { chat_template, chat_template_kwargs, tools = 'tools' }: JinjaTexts,
  tokens: ControlTokens,
): Turns {
  const template = compileJinja(chat_template, tokens)

  /** Renders messages, and after them what begins a reply where it is to. */
  const write = (
    messages: readonly GivenMessage[],
    add_generation_prompt: boolean,
    where: string,
    row: Row,
  ) =>
    named(where, () =>
      template.render({
        ...chat_template_kwargs,
        ...objectOf(row[VARIABLES]),
        ...toolsOf(row[tools], tools),
        ...{ messages, add_generation_prompt },
      }),
    )

  /** The reply of message number `at`, as a stretch of the whole text: where it begins and ends. */
  function replyAt(
    messages: readonly GivenMessage[],
    at: number,
    whole: string,
    where: string,
    row: Row,
  ): readonly [start: number, end: number] {
    const prompt = withoutReplyMarks(write(messages.slice(0, at), true, where, row))
    const said =
      at + 1 === messages.length
        ? whole
        : withoutReplyMarks(write(messages.slice(0, at + 1), false, where, row))
    if (said.startsWith(prompt) && whole.startsWith(said)) return [prompt.length, said.length]
    throw new UserError(
      `${where}, message ${at + 1}: the chat template writes what comes before the reply otherwise once there is more, so that the reply cannot be told from it; ` +
        (at + 1 === messages.length
          ? 'give the template {% generation %} and {% endgeneration %} around what the assistant says'
          : 'give the template {% generation %} and {% endgeneration %} around what the assistant says, or rows that end with the only reply to learn, in a column of its own that is named as "replies"'),
    )
  }

  return {
    read: readMessages,
    conversation(messages, learnsFrom, where, row) {
      checkLast(messages, where, true)
      if (messages.some(isSilent)) return undefined
      const text = write(messages, false, where, row)
      const replies = messages.flatMap(({ role }, i) => (role === ASSISTANT ? [i] : []))
      if (template.tellsReplies) {
        const marked = markedSegments(text, where)
        const count = marked.filter(({ learned }) => learned).length
        if (count === 0)
          throw new UserError(
            `${where}: the chat template marks nothing by {% generation %} here; put it around what the assistant says`,
          )
        if (learnsFrom > 0 && count !== replies.length)
          throw new UserError(
            `${where}: the chat template marks ${count} replies of ${replies.length} by {% generation %}, so that those to learn cannot be told; put it around each reply, once`,
          )
        const first = learnsFrom > 0 ? replies.filter((at) => at < learnsFrom).length : 0
        let reply = 0
        return joined(marked.map((one) => ({ ...one, learned: one.learned && reply++ >= first })))
      }
      const segments: Segment[] = []
      let end = 0
      for (const at of replies) {
        if (at < learnsFrom) continue
        const [start, stop] = replyAt(messages, at, text, where, row)
        segments.push(
          { text: text.slice(end, start), learned: false },
          { text: text.slice(start, stop), learned: true },
        )
        end = stop
      }
      return joined([...segments, { text: text.slice(end), learned: false }])
    },
    prompt(messages, where, row) {
      checkLast(messages, where, false)
      if (messages.some(isSilent)) return undefined
      return [withoutReplyMarks(write(messages, true, where, row))]
    },
    answered(messages, where, row): Answered | undefined {
      checkLast(messages, where, true)
      if (messages.some(isSilent)) return undefined
      const text = withoutReplyMarks(write(messages, false, where, row))
      const [start] = replyAt(messages, messages.length - 1, text, where, row)
      return { prompt: [text.slice(0, start)], answer: text.slice(start) }
    },
  }
}

const withoutReplyMarks = (text: string): string => text.replace(/[\uFDD3\uFDD4]/g, '')

/** The stretches of a text that is marked. Throws UserError where marks are no pairs. */
function markedSegments(text: string, where: string): Segment[] {
  const [before, ...replies] = text.split(REPLY_BEGINS)
  return [
    { text: before!, learned: false },
    ...replies.flatMap((part) => {
      const [reply, after, ...others] = part.split(REPLY_ENDS)
      if (after === undefined || others.length > 0)
        throw new UserError(
          `${where}: the chat template has {% generation %} within {% generation %}; put it around each reply, once`,
        )
      return [
        { text: reply!, learned: true },
        { text: after, learned: false },
      ]
    }),
  ]
}

/** Stretches without loss that follow one another as one, and none that is empty. */
function joined(segments: readonly Segment[]): Segment[] {
  const all: Segment[] = []
  for (const segment of segments) {
    const last = all.at(-1)
    if (segment.text === '' || (segment.text === WHOLE_MARK && all.length > 0)) continue
    if (last && !last.learned && !segment.learned)
      all[all.length - 1] = { ...last, text: last.text + segment.text }
    else all.push(segment)
  }
  return all
}

const ASSISTANT = 'assistant'

/** ShareGPT's names of roles. */
const ROLES: ReadonlyMap<unknown, string> = new Map([
  ['human', 'user'],
  ['gpt', ASSISTANT],
])

/** The messages of a column as they are, whatever their roles; what is null in one is left out, as it is in tables. */
function readMessages(row: Row, column: string, where: string): GivenMessage[] {
  const list = row[column]
  if (!Array.isArray(list) || list.length === 0)
    throw new UserError(
      list === undefined
        ? `${where}: there is no column "${column}" with messages; there are ${listColumns(row)}`
        : `${where}: column "${column}" holds ${quote(list)}; it must be a list of messages with role and content`,
    )
  return list.map((item: Value, i) => {
    const fields = objectOf(item)
    const role = fields['role'] ?? ROLES.get(fields['from']) ?? fields['from']
    if (typeof role !== 'string' || role === '')
      throw new UserError(`${where}, message ${i + 1}: its role is ${quote(role)}; name who speaks`)
    const others = Object.entries(fields).filter(([key]) => key !== 'from' && key !== 'value')
    const content = fields['content'] ?? fields['value'] ?? null
    return { ...withoutNulls(Object.fromEntries(others)), role, content }
  })
}

const objectOf = (value: Value | undefined): Readonly<Record<string, Value>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Value>>)
    : {}

/** Objects without keys that have no value: a table has every key in each of its rows. */
function withoutNulls<T extends Value>(value: T): T {
  if (Array.isArray(value)) return value.map((item: Value) => withoutNulls(item)) as Value as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      item === null ? [] : [[key, withoutNulls(item as Value)]],
    ),
  ) as Value as T
}

/** Tools as the template takes them: a list, or the JSON of one; none where there is nothing. */
function toolsOf(value: Value | undefined, column: string): { readonly tools?: Value } {
  const tools = typeof value === 'string' ? listIn(value) : (value ?? [])
  if (!Array.isArray(tools))
    throw new UserError(
      `column "${column}" holds ${quote(value)}; it must be a list of tools, or the JSON of one`,
    )
  return tools.length > 0 ? { tools: withoutNulls(tools) } : {}
}

function listIn(text: string): unknown {
  try {
    return text.trim() === '' ? [] : parseExactJson(text)
  } catch {
    return undefined
  }
}

/** Whether a message says nothing: it has no content, and nothing else that would be written. */
const isSilent = (message: GivenMessage): boolean =>
  Object.keys(message).every((key) => ['role', 'content', 'name'].includes(key)) &&
  (message.content === null ||
    (message.role === ASSISTANT && typeof message.content === 'string' && message.content.trim() === ''))

function checkLast(messages: readonly GivenMessage[], where: string, answered: boolean): void {
  const { role } = messages.at(-1)!
  if ((role === ASSISTANT) === answered) return
  throw new UserError(
    `${where}: the last message is of the ${role}; it must be of ${answered ? 'the assistant' : 'somebody else'}`,
  )
}

/** Says of which row it is that a template fails. */
function named<T>(where: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${where}: ${error.message}`) : error
  }
}
