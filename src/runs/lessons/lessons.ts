/**
 * Lessons that a model is given while it is in use, and how they are taken back. The model's folder stays as it is.
 * @module
 */
import { basename, join, resolve } from 'node:path'

import type { EncodedExample } from '../../data/examples/encode.ts'
import { NO_LOSS } from '../../data/examples/encode.ts'
import { encodeStretches } from '../../data/examples/encode_stretches.ts'
import { END_MARK, END_OF_TEXT } from '../../data/templates/end_of_text.ts'
import { UserError } from '../../errors.ts'
import { exists } from '../../formats/read_file.ts'
import type { Digests } from '../../formats/sealed.ts'
import { digestOf } from '../../formats/sealed.ts'
import { filesOf, findWeights } from '../../formats/weight_files.ts'
import { diskFiles } from '../../formats/disk_files.ts'
import type { Conversation } from '../../generation/chat.ts'
import { NO_CONVERSATION } from '../../generation/chat.ts'
import type { TokenGenerator } from '../../generation/token_generator.ts'
import type { TrainingOptions } from '../../learning/options.ts'
import type { FoundModel, ModelChoice } from '../../models/find_model.ts'
import { findModel } from '../../models/find_model.ts'
import type { Device } from '../../runtime/device.ts'
import { nodeRuntime } from '../../runtime/node_runtime.ts'
import { readRunConfig } from '../run_config.ts'
import type { Fold } from './folding.ts'
import { foldingOn } from './folding.ts'
import type { AdapterTensors, StartingAdapter } from './learner.ts'
import { openLearner } from './learner.ts'
import { referenceTexts } from './reference_texts.ts'
import type { Lesson, Session, Way } from './session_folder.ts'
import { readSession, writeConversation, writeSession } from './session_folder.ts'
import { startingAdapter } from './starting_adapter.ts'
import { stepsOn } from './steps.ts'

/** By how much held-out perplexity may rise over what it was before the lesson, and before the first one. */
export const MOST_DAMAGE = 0.02

export interface LessonsOptions extends ModelChoice, Device {
  /** Where lessons are kept; one that is there already goes on. By default they end with the conversation. */
  readonly session?: string
  /** By default that of the session, or `steps`. */
  readonly way?: Way
  /** A file of text to watch, in place of the run's validation data. */
  readonly heldOut?: string
  /** What folds texts of a model with plastic blocks; needed where lessons are consolidated. */
  readonly folds?: (found: FoundModel) => Promise<{ readonly consolidate: Fold; release(): Promise<void> }>
}

/** A correction: what the model should have written after a prompt, both as token ids. */
export interface Correction {
  readonly text: string
  readonly prompt: readonly number[]
  readonly answer: readonly number[]
}

/** What was taken back: each text, and what taking it back cost. */
export interface Forgotten {
  readonly texts: readonly { readonly text: string; readonly log_probability: Lesson['log_probability'] }[]
  readonly perplexity: Lesson['perplexity']
}

export interface Lessons {
  readonly generator: TokenGenerator
  /** What the held-out texts are. */
  readonly heldOut: string
  /** Lessons and conversation of a session that goes on. */
  readonly session: Session
  /** What `ortune merge` is told, to make the lessons permanent; undefined where they are not kept. */
  readonly merge: string | undefined
  /**
   * Teaches a text.
   * @throws UserError where it is too short or too long; or where the model could not learn it without damage, and is what it was
   */
  learn(text: string): Promise<Lesson>
  /** Teaches what the model should have written. Throws as {@link Lessons.learn} does. */
  correct(correction: Correction): Promise<Lesson>
  /** Takes back the last lesson, or all: the adapter is what it was before, to the byte. Undefined where there is none. */
  forget(all?: boolean): Promise<Forgotten | undefined>
  /** Keeps the conversation as it is. */
  keep(conversation: Conversation): Promise<void>
  release(): Promise<void>
}

/**
 * Opens a model for lessons.
 *
 * @throws UserError where it cannot be opened, writes no text, or the session is another model's
 */
export async function openLessons(folder: string, options: LessonsOptions = {}): Promise<Lessons> {
  const { session: place, checkpoint, adapter, heldOut, folds, ...device } = options
  const found = await findModel(folder, { checkpoint, adapter })
  const model = await weightDigests(found.base)
  const stored = place === undefined ? undefined : await readSession(place)
  if (stored) checkSession(place!, stored.session, model, options.way)
  const way = options.way ?? stored?.session.way ?? 'steps'

  if (way === 'consolidate' && !folds) throw new Error('lessons are consolidated by what `folds` opens')
  const folding = way === 'consolidate' ? await folds?.(found) : undefined
  const start =
    stored?.adapter ?? (folding ? await emptyUpdate(folding.consolidate) : await startingAdapter(found))
  const learner = await openLearner(found, start, nodeRuntime(device)).catch(async (error: unknown) => {
    await folding?.release()
    throw error
  })
  const release = async () => {
    await folding?.release()
    await learner.release()
  }
  try {
    const { generator } = learner
    if (stored) checkLessons(place!, stored.session, generator)
    const texts = await referenceTexts(folder, generator, heldOut)
    const steps = stepsOn(learner, await plasticOf(folder))
    const teach = folding ? foldingOn(learner, folding.consolidate, steps) : steps
    let before: readonly AdapterTensors[] = stored?.before ?? []
    let session: Session = stored?.session ?? {
      ...{ format_version: 1, model, way, held_out: texts.name },
      perplexity: await learner.perplexity(texts.heldOut),
      ...{ lessons: [], conversation: NO_CONVERSATION },
    }

    const write = async (): Promise<void> => {
      if (place === undefined) return
      const tensors = await learner.snapshot()
      await writeSession(
        place,
        { session, adapter: { ...learner.lora, tensors }, before },
        resolve(found.base),
      )
    }

    async function give(text: string, tokens: readonly number[], learned: number): Promise<Lesson> {
      checkLength(tokens, learned, generator.context)
      const lesson = { text, tokens: [...tokens], learned }
      const example = exampleOf(lesson)
      const snapshot = await learner.snapshot()
      const was = {
        text: await learner.logProbability(example),
        perplexity: await learner.perplexity(texts.heldOut),
      }
      const ceiling = (1 + MOST_DAMAGE) * Math.min(was.perplexity, session.perplexity)
      const watch = { texts, ceiling, number: session.lessons.length + 1 }
      const { kept, ...taught } = await teach(example, watch).catch(async (error: unknown) => {
        await learner.restore(snapshot)
        throw error
      })
      if (!kept)
        throw new UserError(
          `nothing was learned, since the text became no likelier while held-out perplexity rose by at most ${100 * MOST_DAMAGE} % (${texts.name}); the model is what it was: give a shorter text, or forget earlier lessons`,
        )
      const given: Lesson = {
        ...lesson,
        ...taught,
        log_probability: { before: was.text, after: await learner.logProbability(example) },
        perplexity: { before: was.perplexity, after: await learner.perplexity(texts.heldOut) },
      }
      before = [...before, snapshot]
      session = { ...session, lessons: [...session.lessons, given] }
      await write()
      return given
    }

    if (!stored) await write()
    return {
      generator,
      heldOut: texts.name,
      get session() {
        return session
      },
      merge: place === undefined ? undefined : `ortune merge ${found.base} --adapter ${place} --out <folder>`,
      learn: (text) =>
        give(text, encodeStretches(generator.tokenizer, [text.replaceAll(END_OF_TEXT, END_MARK)]).flat(), 0),
      correct: ({ text, prompt, answer }) => give(text, [...prompt, ...answer], prompt.length),
      async forget(all = false) {
        const count = all ? session.lessons.length : Math.min(1, session.lessons.length)
        if (count === 0) return undefined
        const kept = session.lessons.length - count
        const gone = session.lessons.slice(kept)
        const measure = async () => ({
          texts: await inTurn(gone, (lesson) => learner.logProbability(exampleOf(lesson))),
          perplexity: await learner.perplexity(texts.heldOut),
        })
        const was = await measure()
        await learner.restore(before[kept]!)
        const is = await measure()
        before = before.slice(0, kept)
        session = { ...session, lessons: session.lessons.slice(0, kept) }
        await write()
        return {
          texts: gone.map(({ text }, i) => ({
            text,
            log_probability: { before: was.texts[i]!, after: is.texts[i]! },
          })),
          perplexity: { before: was.perplexity, after: is.perplexity },
        }
      },
      async keep(conversation) {
        session = { ...session, conversation }
        if (place !== undefined) await writeConversation(place, session)
      },
      release,
    }
  } catch (error) {
    await release()
    throw error
  }
}

function checkLength(tokens: readonly number[], learned: number, context: number): void {
  const labelled = tokens.length - Math.max(1, learned)
  if (labelled < 1)
    throw new UserError('there is too little text to learn, as a token alone follows nothing; write more')
  if (tokens.length > context)
    throw new UserError(
      `the text has ${tokens.length} tokens, more than the model's context of ${context}; teach it in parts`,
    )
}

/** That the lessons of a session, which a hand may have changed, are what this model could be taught. */
export function checkLessons(
  place: string,
  { lessons }: Session,
  { context, tokenizer }: Pick<TokenGenerator, 'context' | 'tokenizer'>,
): void {
  const odd = lessons.findIndex(
    ({ tokens, learned }) =>
      tokens.length > context ||
      tokens.length <= Math.max(1, learned) ||
      tokens.some((token) => token >= tokenizer.vocabSize),
  )
  if (odd >= 0)
    throw new UserError(
      `${place}/session.json: lesson ${odd + 1} has tokens that the model cannot be taught; put the file back from a copy, or name another folder`,
    )
}

/** The tokens before `learned` carry no loss. */
function exampleOf({ tokens, learned }: Pick<Lesson, 'tokens' | 'learned'>): EncodedExample {
  const input_ids = Int32Array.from(tokens)
  return { input_ids, labels: input_ids.map((id, t) => (t < learned ? NO_LOSS : id)) }
}

async function inTurn<A, B>(items: readonly A[], find: (item: A) => Promise<B>): Promise<B[]> {
  const results: B[] = []
  for (const item of items) results.push(await find(item))
  return results
}

const emptyUpdate = async (fold: Fold): Promise<StartingAdapter> => {
  const { tensors, ...lora } = (await fold([])) as StartingAdapter
  return { r: lora.r, lora_alpha: lora.lora_alpha, target_modules: lora.target_modules, tensors }
}

/** How a run learns beside AdamW's steps; undefined: the folder is no run, or its run has no such update. */
async function plasticOf(folder: string): Promise<TrainingOptions['plastic']> {
  for (const run of [folder, resolve(folder, '..', '..')])
    if (await exists(join(run, 'training.json'))) return (await readRunConfig(run)).plastic ?? undefined
  return undefined
}

async function weightDigests(base: string): Promise<Digests> {
  const { tensors } = await findWeights(diskFiles(base))
  const digests: Record<string, string> = {}
  for (const file of filesOf(tensors)) digests[basename(file)] = await digestOf(file)
  return digests
}

function checkSession(place: string, { model, way }: Session, found: Digests, wanted?: Way): void {
  const other = [...Object.keys(model), ...Object.keys(found)].find((name) => model[name] !== found[name])
  if (other !== undefined)
    throw new UserError(
      `${place} is a session with another model, as ${other} differs; name that model, or another folder for the session`,
    )
  if (wanted !== undefined && wanted !== way)
    throw new UserError(
      `${place} was begun with --learn ${way}; go on so, or name another folder for the session`,
    )
}
