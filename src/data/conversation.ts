/**
 * Conversations: a list of messages, each rendered by its role's text. The assistant's carry loss, its end of text
 * included.
 *
 * Messages are `{role, content}` with the roles system, user and assistant, or `{from, value}` with system, human and
 * gpt (ShareGPT). A system message may come first; then user and assistant take turns.
 * @module
 */
import { UserError } from '../errors.ts'
import { quote } from '../formats/quote.ts'
import { listColumns } from './row.ts'
import type { Row } from './row.ts'
import type { Segment, Template } from './template.ts'
import { compilePart } from './template_part.ts'
import type { ChatTemplate } from './template_source.ts'

type Role = 'system' | 'user' | 'assistant'

interface Message {
  readonly role: Role
  readonly content: string
}

const ROLES: ReadonlyMap<unknown, Role> = new Map([
  ['system', 'system'],
  ['user', 'user'],
  ['human', 'user'],
  ['assistant', 'assistant'],
  ['gpt', 'assistant'],
])

/** Compiles a chat template. Throws UserError as `compileTemplate` does. */
export function compileConversation(source: ChatTemplate): Template {
  const column = source.messages ?? 'messages'
  const parts = {
    system: source.system === undefined ? undefined : compilePart(source.system, 'system'),
    user: compilePart(source.user, 'user'),
    assistant: compilePart(source.assistant, 'assistant'),
  }

  function segment({ role, content }: Message, where: string): Segment {
    const part = parts[role]
    if (!part) {
      throw new UserError(
        `${where}: there is a system message, and the chat template has no text for it; add one as "system"`,
      )
    }
    return { text: part.render({ content }, where), learned: role === 'assistant' }
  }

  function renderTurns(row: Row, where: string, last: Role): Segment[] {
    const messages = readMessages(row, column, where)
    checkOrder(messages, where, last)
    return messages.map((message) => segment(message, where))
  }

  return {
    promptVariables: [column],
    render: (row, where) => [renderTurns(row, where, 'assistant')],
    renderPrompt: (row, where) =>
      renderTurns(row, where, 'user')
        .map(({ text }) => text)
        .join(''),
  }
}

/** A row's messages, whatever their order. */
function readMessages(row: Row, column: string, where: string): Message[] {
  if (!Object.hasOwn(row, column)) {
    throw new UserError(`${where}: there is no column "${column}" with messages; there are ${listColumns(row)}`)
  }
  const list = row[column]
  if (!Array.isArray(list) || list.length === 0) {
    throw new UserError(
      `${where}: column "${column}" holds ${quote(list)}; it must be a list of messages with role and content`,
    )
  }
  return list.map((item: unknown, i) => readMessage(item, `${where}, message ${i + 1}`))
}

function readMessage(item: unknown, where: string): Message {
  const fields = (typeof item === 'object' && item !== null ? item : {}) as Readonly<Record<string, unknown>>
  const given = 'role' in fields ? fields['role'] : fields['from']
  const content = 'content' in fields ? fields['content'] : fields['value']
  const role = ROLES.get(given)
  if (role === undefined) {
    throw new UserError(`${where}: its role is ${quote(given)}; it must be system, user or assistant`)
  }
  if (typeof content !== 'string') {
    throw new UserError(`${where}: its content is ${quote(content)}; it must be a text`)
  }
  return { role, content }
}

function checkOrder(messages: readonly Message[], where: string, last: Role): void {
  const turns = messages[0]!.role === 'system' ? messages.slice(1) : messages
  const before = messages.length - turns.length
  turns.forEach(({ role }, i) => {
    const expected = i % 2 === 0 ? 'user' : 'assistant'
    if (role !== expected) {
      throw new UserError(
        `${where}, message ${before + i + 1}: it is of the ${role} where the ${expected} is to speak; a system message may come first, then user and assistant take turns`,
      )
    }
  })
  if (messages.at(-1)!.role !== last) {
    throw new UserError(`${where}: the last message is of the ${messages.at(-1)!.role}; it must be of the ${last}`)
  }
}
