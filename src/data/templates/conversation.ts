/**
 * Conversations: a list of messages, each rendered by its role's text. The assistant's carry loss, its end of text
 * included.
 *
 * Messages are `{role, content}` with the roles system, user and assistant, or `{from, value}` with system, human and
 * gpt (ShareGPT). A system message may come first; then user and assistant take turns. Messages may be spread over two
 * columns, as in TRL's prompt and completion; loss is on the second's then. A row with a message that is null is empty.
 * @module
 */
import { UserError } from '../../errors.ts'
import { quote } from '../../quote.ts'
import { listColumns } from '../row.ts'
import type { Row } from '../row.ts'
import type { ControlTokens } from './jinja.ts'
import { jinjaTurns } from './jinja_turns.ts'
import type { Segment, Template } from './template.ts'
import { compilePart } from './template_part.ts'
import type { TemplatePart } from './template_part.ts'
import type { ConversationTemplate, JinjaTexts, RoleTexts } from './template_source.ts'
import type { GivenMessage, Turns } from './turns.ts'

const ROLES: ReadonlyMap<unknown, keyof RoleTexts> = new Map([
  ['system', 'system'],
  ['user', 'user'],
  ['human', 'user'],
  ['assistant', 'assistant'],
  ['gpt', 'assistant'],
])

/**
 * Compiles how messages are written.
 *
 * @param tokens what chat templates write; others need none
 * @throws UserError as `compileTemplate` does
 */
export function compileTurns(source: RoleTexts | JinjaTexts, tokens?: ControlTokens): Turns {
  if ('user' in source) return roleTurns(source)
  if (!tokens) throw new Error('a chat template is compiled with the tokens that it writes')
  return jinjaTurns(source, tokens)
}

function roleTurns(source: RoleTexts): Turns {
  const parts: ReadonlyMap<string, TemplatePart> = new Map(
    (['system', 'user', 'assistant'] as const).flatMap((role) => {
      const text = source[role]
      return text === undefined ? [] : [[role, compilePart(text, role)] as const]
    }),
  )

  function write(
    messages: readonly GivenMessage[],
    learnsFrom: number,
    where: string,
    last: keyof RoleTexts,
  ): Segment[] | undefined {
    checkOrder(messages, where, last)
    const segments: Segment[] = []
    for (const [i, { role, content }] of messages.entries()) {
      if (content === null) return undefined
      const part = parts.get(role)
      if (!part)
        throw new UserError(
          `${where}: there is a system message, and the chat template has no text for it; add one as "system"`,
        )
      const text = part.render({ content }, where)
      segments.push({ text, learned: i >= learnsFrom && role === 'assistant' })
    }
    return withSystem(messages[0]?.role === 'system', segments)
  }

  return {
    read: readMessages,
    conversation: (messages, learnsFrom, where) => write(messages, learnsFrom, where, 'assistant'),
    prompt: (messages, where) => write(messages, 0, where, 'user')?.map(({ text }) => text),
    answered(messages, where) {
      const texts = write(messages, 0, where, 'assistant')?.map(({ text }) => text)
      return texts && { prompt: texts.slice(0, -1), answer: texts.at(-1)! }
    },
  }
}

/**
 * A system message is one stretch with what the user says first: neither carries loss, and chat templates elsewhere give their
 * tokens as those of one text, where tokens may reach over the border.
 */
function withSystem(isSystem: boolean, segments: readonly Segment[]): Segment[] {
  const [system, user, ...rest] = segments
  return isSystem && user ? [{ ...user, text: system!.text + user.text }, ...rest] : [...segments]
}

/** Compiles a chat template. Throws UserError as `compileTemplate` does. */
export function compileConversation(source: ConversationTemplate, tokens?: ControlTokens): Template {
  const column = source.messages ?? 'messages'
  const turns = compileTurns(source, tokens)
  return {
    promptVariables: [column],
    render(row, where) {
      const { messages, given } = readConversation(turns, row, source, where)
      const segments = turns.conversation(messages, given, where, row)
      return segments ? [segments] : []
    },
    renderPrompt: (row, where) => promptOf(turns, row, column, where),
  }
}

/** What comes before a reply to the messages of a column. */
export function promptOf(turns: Turns, row: Row, column: string, where: string): string {
  const prompt = turns.prompt(turns.read(row, column, where), where, row)
  if (!prompt) throw new UserError(`${where}: a message has no content; give it a text`)
  return prompt.join('')
}

/** A row's messages, those of the replies' column last, and how many of them the assistant does not learn from. */
export function readConversation(
  turns: Turns,
  row: Row,
  { messages = 'messages', replies }: Pick<ConversationTemplate, 'messages' | 'replies'>,
  where: string,
): { readonly messages: readonly GivenMessage[]; readonly given: number } {
  const given = turns.read(row, messages, where)
  if (replies === undefined || !Object.hasOwn(row, replies)) return { messages: given, given: 0 }
  return { messages: [...given, ...turns.read(row, replies, where)], given: given.length }
}

/** The messages of a column, whatever their order. */
function readMessages(row: Row, column: string, where: string): GivenMessage[] {
  if (!Object.hasOwn(row, column)) {
    throw new UserError(
      `${where}: there is no column "${column}" with messages; there are ${listColumns(row)}`,
    )
  }
  const list = row[column]
  if (!Array.isArray(list) || list.length === 0) {
    throw new UserError(
      `${where}: column "${column}" holds ${quote(list)}; it must be a list of messages with role and content`,
    )
  }
  return list.map((item: unknown, i) => readMessage(item, `${where}, message ${i + 1}`))
}

function readMessage(item: unknown, where: string): GivenMessage {
  const fields = (typeof item === 'object' && item !== null ? item : {}) as Readonly<Record<string, unknown>>
  const given = 'role' in fields ? fields['role'] : fields['from']
  const content = contentOf(fields)
  const role = ROLES.get(given)
  if (role === undefined) {
    throw new UserError(`${where}: its role is ${quote(given)}; it must be system, user or assistant`)
  }
  if (typeof content !== 'string' && content !== null) {
    throw new UserError(`${where}: its content is ${quote(content)}; it must be a text`)
  }
  return { role, content }
}

/** The text of a message; several parts of text, as chat interfaces give them, are one. Null beside a call of a tool. */
function contentOf(fields: Readonly<Record<string, unknown>>): unknown {
  const content = 'content' in fields ? fields['content'] : fields['value']
  if (Array.isArray(content) && content.length > 0 && content.every(isTextPart))
    return content.map(({ text }) => text).join('')
  const calls = 'tool_calls' in fields || 'function_call' in fields
  return content === undefined && calls ? null : content
}

const isTextPart = (part: unknown): part is { readonly text: string } =>
  typeof part === 'object' &&
  part !== null &&
  'type' in part &&
  part.type === 'text' &&
  'text' in part &&
  typeof part.text === 'string'

function checkOrder(messages: readonly GivenMessage[], where: string, last: keyof RoleTexts): void {
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
    throw new UserError(
      `${where}: the last message is of the ${messages.at(-1)!.role}; it must be of the ${last}`,
    )
  }
}
