/** @module */
import type { Row, Value } from '../row.ts'
import type { Segment } from './template.ts'

/** A message as it is in the data; its content is null where it has none, as one that calls a tool. */
export interface GivenMessage {
  readonly role: string
  readonly content: Value
  readonly [key: string]: Value
}

/**
 * How the messages of a conversation are written. `where` names the row in errors, and `row` has what a template reads beside
 * them. All throw UserError where messages take no turns, and give undefined where one lacks a content that is needed.
 */
export interface Turns {
  /** The messages of a column. */
  read(row: Row, column: string, where: string): readonly GivenMessage[]
  /** A conversation that ends with the assistant. Of its replies, those of messages before number `learnsFrom` carry no loss. */
  conversation(
    messages: readonly GivenMessage[],
    learnsFrom: number,
    where: string,
    row: Row,
  ): Segment[] | undefined
  /** A conversation that the assistant is to go on with, in stretches that are tokenised one by one. */
  prompt(messages: readonly GivenMessage[], where: string, row: Row): string[] | undefined
  /** A conversation that ends with the assistant: what comes before its last reply, and the reply. */
  answered(messages: readonly GivenMessage[], where: string, row: Row): Answered | undefined
}

export interface Answered {
  readonly prompt: string[]
  readonly answer: string
}
