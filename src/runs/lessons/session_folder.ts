/**
 * Lessons and the conversation that they were given in, as a folder that is an adapter in PEFT's format:
 *
 *     adapter_config.json  adapter_model.safetensors     the adapter after the last lesson
 *     before-1.safetensors …                             the adapter before each lesson
 *     session.json                                       the lessons, what they cost, and the conversation
 *
 * All files change together; what a kill interrupts is finished or undone when the folder is opened again.
 * @module
 */
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

import { UserError } from '../../errors.ts'
import { writeFileAtomic } from '../../formats/atomic.ts'
import { fillPeftAdapter, readPeftAdapter } from '../../formats/peft.ts'
import { loraOf } from '../../formats/peft_files.ts'
import { readJson } from '../../formats/read_file.ts'
import { readTensors, writeSafetensors } from '../../formats/safetensors.ts'
import { recoverStandingFolder, writeStandingFolder } from '../../formats/standing_folder.ts'
import { conversationSchema } from '../../generation/chat.ts'
import { checkJson } from '../../schema.ts'
import type { AdapterTensors, StartingAdapter } from './learner.ts'

const change = z.strictObject({ before: z.number(), after: z.number() })

export const WAYS = ['steps', 'consolidate'] as const
export type Way = (typeof WAYS)[number]

const lessonSchema = z.strictObject({
  /** What was taught, for people. */
  text: z.string(),
  /** Its tokens, of which those before `learned` are a prompt that is not learned itself. */
  tokens: z.array(z.int().min(0)).min(2),
  learned: z.int().min(0),
  /** Of the optimizer. */
  steps: z.int().min(0),
  /** By which its update was folded, where lessons are consolidated; 0: not at all. */
  strength: z.number().min(0).optional(),
  /** Of the learned tokens, in nats. */
  log_probability: change,
  /** Of the held-out texts, per token. */
  perplexity: change,
})

/** A lesson, and what it cost. */
export type Lesson = z.infer<typeof lessonSchema>

const sessionSchema = z.strictObject({
  format_version: z.literal(1),
  /** The SHA-256 of each weight file of the model, by its name. */
  model: z.record(z.string(), z.string()),
  way: z.enum(WAYS),
  held_out: z.string(),
  /** Of the held-out texts before the first lesson. */
  perplexity: z.number(),
  lessons: z.array(lessonSchema),
  conversation: conversationSchema,
})

export type Session = z.infer<typeof sessionSchema>

export const SESSION_FILE = 'session.json'

const beforeFile = (number: number): string => `before-${number}.safetensors`

const textOf = (session: Session): string => `${JSON.stringify(session, null, 2)}\n`

/** What a session folder holds. */
export interface StoredSession {
  readonly session: Session
  readonly adapter: StartingAdapter
  /** The adapter before each lesson. */
  readonly before: readonly AdapterTensors[]
}

/**
 * Reads a session; undefined where the folder is missing or empty.
 *
 * @throws UserError where it holds other files, or they are damaged
 */
export async function readSession(folder: string): Promise<StoredSession | undefined> {
  await recoverStandingFolder(folder)
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw error.code === 'ENOTDIR'
      ? new UserError(`${folder} is a file; name a folder for the session`)
      : error
  })
  if (names.length === 0) return undefined
  if (!names.includes(SESSION_FILE))
    throw new UserError(`${folder} holds files that are no session of lessons; name an empty or new folder`)
  const path = join(folder, SESSION_FILE)
  const session = checkJson(sessionSchema, await readJson(path), path)
  const adapter = await readPeftAdapter(folder)
  const before: AdapterTensors[] = []
  for (const [i] of session.lessons.entries()) {
    const file = join(folder, beforeFile(i + 1))
    const read = await readTensors(file)
    for (const [name, { shape }] of adapter.tensors)
      if (read.get(name)?.shape.join() !== shape.join())
        throw new UserError(`${file} has no tensor ${name} of [${shape.join(', ')}]; put it back from a copy`)
    before.push(read)
  }
  return { session, adapter: { ...loraOf(adapter), tensors: adapter.tensors }, before }
}

/** Writes a session after a lesson, or after lessons were forgotten: all of it, or nothing. */
export async function writeSession(
  folder: string,
  { session, adapter, before }: StoredSession,
  baseModel: string,
): Promise<void> {
  await writeStandingFolder(folder, async (temporary) => {
    // The adapters before earlier lessons lie there already.
    const last = before.at(-1)
    if (last) await writeSafetensors(join(temporary, beforeFile(before.length)), last)
    await fillPeftAdapter(temporary, { ...adapter, baseModel })
    await writeFile(join(temporary, SESSION_FILE), textOf(session))
  })
  for (const name of await readdir(folder)) {
    const [, number] = /^before-(\d+)\.safetensors$/.exec(name) ?? []
    if (Number(number) > before.length) await rm(join(folder, name))
  }
}

/** Writes the conversation, where no lesson came since. */
export const writeConversation = (folder: string, session: Session): Promise<void> =>
  writeFileAtomic(join(folder, SESSION_FILE), textOf(session))
