import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { openConsolidator } from '../../src/exports/consolidator.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import { digestOf } from '../../src/formats/sealed.ts'
import { NO_CONVERSATION } from '../../src/generation/chat.ts'
import { findModel } from '../../src/models/find_model.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { openLearner } from '../../src/runs/lessons/learner.ts'
import type { Lessons, LessonsOptions } from '../../src/runs/lessons/lessons.ts'
import type { Lesson } from '../../src/runs/lessons/session_folder.ts'
import { checkLessons, openLessons } from '../../src/runs/lessons/lessons.ts'
import { referenceTexts } from '../../src/runs/lessons/reference_texts.ts'
import { startingAdapter } from '../../src/runs/lessons/starting_adapter.ts'
import { stepsOn } from '../../src/runs/lessons/steps.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { tinyAdapter, writeTinyModel } from '../tiny_model.ts'
import { createTinyRun, writeBestCheckpoint } from '../training/tiny_run.ts'

const pocket = join('artifacts', 'pocket')

const rows = ['fox', 'hen', 'owl', 'elk', 'bee', 'ant'].map((word) => ({ text: `a ${word} is an animal` }))

async function withLessons<T>(
  folder: string,
  options: LessonsOptions,
  use: (lessons: Lessons) => Promise<T>,
): Promise<T> {
  const lessons = await openLessons(folder, { threads: 1, ...options })
  try {
    return await use(lessons)
  } finally {
    await lessons.release()
  }
}

/** The digest of the tensors that a session stands at. */
const adapterIn = (session: string): Promise<string> => digestOf(join(session, 'adapter_model.safetensors'))

async function digestsIn(folder: string): Promise<Map<string, string>> {
  const digests = new Map<string, string>()
  for (const name of (await readdir(folder)).sort()) digests.set(name, await digestOf(join(folder, name)))
  return digests
}

describe('lessons', function () {
  this.timeout(120_000)

  it('make texts likelier for the pocket model by a nat and more each, within 2 % of held-out perplexity, and go away to the byte', () =>
    withFolder(async (place) => {
      const session = join(place, 'session')
      const before = await digestsIn(pocket)
      const bytes: string[] = []
      await withLessons(pocket, { session }, async (lessons) => {
        const first = lessons.session.perplexity
        for (const text of [
          'lantern (noun): a portable light in a case of glass',
          'My name is Anna and I live in Bergen.',
          'the quick brown fox jumps over the lazy dog',
        ]) {
          bytes.push(await adapterIn(session))
          const { log_probability, perplexity } = await lessons.learn(text)
          expect(log_probability.after - log_probability.before, text).to.be.greaterThan(1)
          expect(perplexity.after / perplexity.before, text).to.be.lessThan(1.02)
          expect(perplexity.after / first, text).to.be.lessThan(1.02)
          expect(await adapterIn(session)).to.not.equal(bytes.at(-1))
        }
        const last = lessons.session.lessons.at(-1)!
        const gone = await lessons.forget()
        expect(await adapterIn(session)).to.equal(bytes[2])
        expect(gone!.texts[0]!.log_probability).to.deep.equal({
          before: last.log_probability.after,
          after: last.log_probability.before,
        })
        expect(gone!.perplexity.after).to.equal(last.perplexity.before)
        expect((await lessons.forget(true))!.texts).to.have.length(2)
        expect(await adapterIn(session)).to.equal(bytes[0])
        expect(await lessons.forget()).to.equal(undefined)
      })
      expect(await digestsIn(pocket)).to.deep.equal(before)
      expect((await readdir(session)).sort()).to.deep.equal([
        ...['adapter_config.json', 'adapter_model.safetensors', 'session.json'],
      ])
    }))

  it('begin with the adapter of a run, and go on where a session was left, to the same bytes', () =>
    withFolder(async (folder) => {
      const { run } = await createTinyRun(folder, rows)
      await writeBestCheckpoint(run)
      const [cut, whole] = ['cut', 'whole'].map((name) => join(folder, name)) as [string, string]
      const conversation = { ...NO_CONVERSATION, replies: 1, turns: [{ answers: { you: 'a' }, reply: 'b' }] }
      await withLessons(run, { session: cut }, async (lessons) => {
        expect(lessons.heldOut).to.equal(`validation data of ${run}`)
        expect((await readPeftAdapter(cut)).tensors).to.deep.equal(tinyAdapter().tensors)
        await lessons.learn('a cat is a pet')
        await lessons.keep(conversation)
      })
      const left = await adapterIn(cut)
      await withLessons(run, { session: cut }, async (lessons) => {
        expect(lessons.session.conversation).to.deep.equal(conversation)
        expect(lessons.session.lessons.map(({ text }) => text)).to.deep.equal(['a cat is a pet'])
        expect(await adapterIn(cut)).to.equal(left)
        await lessons.learn('the sea is wide')
      })
      await withLessons(run, { session: whole }, async (lessons) => {
        await lessons.learn('a cat is a pet')
        await lessons.learn('the sea is wide')
      })
      expect(await adapterIn(cut)).to.equal(await adapterIn(whole))

      // It is an adapter like any other.
      const found = await findModel(run, { adapter: cut })
      const learner = await openLearner(found, await startingAdapter(found), nodeRuntime())
      const [lesson] = await withLessons(run, { session: cut }, async ({ session }) =>
        session.lessons.slice(-1),
      )
      const input_ids = Int32Array.from(lesson!.tokens)
      const likely = await learner.logProbability({ input_ids, labels: input_ids })
      await learner.release()
      expect(likely).to.be.closeTo(lesson!.log_probability.after, 1e-4)

      await withLessons(run, { session: cut }, (lessons) => lessons.forget())
      expect(await adapterIn(cut)).to.equal(left)
      await withLessons(run, { session: cut }, (lessons) => lessons.forget(true))
      expect((await readPeftAdapter(cut)).tensors).to.deep.equal(tinyAdapter().tensors)
    }))

  it('teach what follows a prompt, and not the prompt', () =>
    withFolder(async (folder) => {
      await writeTinyModel(folder)
      await withLessons(folder, {}, async (lessons) => {
        expect(lessons.merge).to.equal(undefined)
        const encode = (text: string) => lessons.generator.tokenizer.encode(text)
        const [prompt, answer] = [encode('who are'), encode(' you and me')]
        const given = await lessons.correct({ text: 'you and me', prompt, answer })
        expect(given.learned).to.equal(prompt.length)
        expect(given.log_probability.after - given.log_probability.before).to.be.greaterThan(1)
      })
    }))

  it('leave the model as it is where held-out texts would suffer', () =>
    withFolder(async (folder) => {
      await writeTinyModel(folder)
      const found = await findModel(folder)
      const learner = await openLearner(found, await startingAdapter(found), nodeRuntime())
      try {
        const texts = await referenceTexts(folder, learner.generator)
        const before = await learner.snapshot()
        const input_ids = Int32Array.from(learner.generator.tokenizer.encode('a cat is a pet'))
        const taught = await stepsOn(learner)(
          { input_ids, labels: input_ids },
          { texts, ceiling: 1, number: 1 },
        )
        expect(taught.kept).to.equal(false)
        expect(taught.steps).to.be.greaterThan(3)
        expect(await learner.snapshot()).to.deep.equal(before)
      } finally {
        await learner.release()
      }
    }))

  it('are folded by plastic blocks, and go away to the byte', () =>
    withFolder(async (folder) => {
      const run = await trainedBlocks(folder)
      const session = join(folder, 'session')
      const folds = () => openConsolidator(run)
      await withLessons(run, { session, way: 'consolidate', folds }, async (lessons) => {
        const bytes = [await adapterIn(session)]
        for (const { text } of rows.slice(0, 2)) {
          const { log_probability, perplexity } = await lessons.learn(text)
          expect(log_probability.after - log_probability.before).to.be.greaterThan(1)
          expect(perplexity.after / perplexity.before).to.be.lessThan(1.02)
          bytes.push(await adapterIn(session))
        }
        await lessons.forget()
        expect(await adapterIn(session)).to.equal(bytes[1])
        await lessons.forget()
        expect(await adapterIn(session)).to.equal(bytes[0])
      })
      expect(await userError(() => openLessons(run))).to.match(/plastic blocks.*--learn consolidate/)
      expect(await userError(() => openLessons(run, { session, way: 'steps' }))).to.match(
        /was begun with --learn consolidate/,
      )
    }))

  it('are learned by steps where what plastic blocks fold makes a text less likely, and not folded then', () =>
    withFolder(async (folder) => {
      const run = await trainedBlocks(folder)
      // Of trained blocks, the opposite of what they fold.
      const folds = async () => {
        const consolidator = await openConsolidator(run)
        return {
          release: () => consolidator.release(),
          async consolidate(texts: Parameters<typeof consolidator.consolidate>[0]) {
            const update = await consolidator.consolidate(texts)
            const opposite = [...update.tensors].map(([name, { shape, data }]) => {
              const sign = name.endsWith('lora_B.weight') ? -1 : 1
              return [name, { shape, data: data.map((value) => sign * value) }] as const
            })
            return { ...update, tensors: new Map(opposite) }
          },
        }
      }
      const session = join(folder, 'session')
      await withLessons(run, { session, way: 'consolidate', folds }, async (lessons) => {
        const bytes = await adapterIn(session)
        const { log_probability, perplexity, strength, steps } = await lessons.learn(rows[0]!.text)
        expect(strength).to.equal(0)
        expect(steps).to.be.greaterThan(0)
        expect(log_probability.after - log_probability.before).to.be.greaterThan(1)
        expect(perplexity.after / perplexity.before).to.be.lessThan(1.02)
        await lessons.forget()
        expect(await adapterIn(session)).to.equal(bytes)
      })
    }))

  it('watch the text that they are given', () =>
    withFolder(async (folder) => {
      await writeTinyModel(folder)
      const file = join(folder, 'mine.txt')
      await writeFile(file, 'the sea is wide\n\nthe tree is high\r\nthe fox is red\n')
      const { generator } = await openLearner(
        await findModel(folder),
        await startingAdapter(await findModel(folder)),
        nodeRuntime(),
      )
      const { heldOut, rehearsal } = await referenceTexts(folder, generator, file)
      const texts = (of: typeof heldOut) =>
        of.map(({ input_ids }) => generator.tokenizer.decode([...input_ids]))
      expect(texts(heldOut)).to.deep.equal(['the sea is wide', 'the fox is red'])
      expect(texts(rehearsal)).to.deep.equal(['the tree is high'])
      await writeFile(file, 'alone\n')
      expect(await userError(() => referenceTexts(folder, generator, file))).to.match(/mine.txt is too short/)
      await generator.release()
    }))

  it('say what is wrong in one sentence', () =>
    withFolder(async (folder) => {
      const [model, other, session] = ['model', 'other', 'session'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ]
      await writeTinyModel(model)
      await writeTinyModel(other, 2)
      await withLessons(model, { session }, async (lessons) => {
        expect(await userError(() => lessons.learn('a'))).to.match(/too little text/)
        expect(await userError(() => lessons.learn('word '.repeat(100)))).to.match(
          /\d+ tokens, more than the model's context of 64/,
        )
        expect(lessons.session.lessons).to.deep.equal([])
        const change = { before: -2, after: -1 }
        const sound = {
          text: 'a',
          tokens: [1, 2],
          learned: 0,
          steps: 1,
          log_probability: change,
          perplexity: change,
        }
        const check = (odd: Partial<Lesson>) => () =>
          checkLessons(
            'session',
            { ...lessons.session, lessons: [sound, { ...sound, ...odd }] },
            lessons.generator,
          )
        expect(check({})).not.to.throw()
        for (const odd of [
          { tokens: [1, 512] },
          { learned: 2 },
          { tokens: Array.from({ length: 65 }, () => 1) },
        ])
          expect(await userError(check(odd))).to.match(/session\/session.json: lesson 2 has tokens/)
      })
      expect(await userError(() => openLessons(other, { session }))).to.match(
        /session is a session with another model, as model.safetensors differs/,
      )
      expect(await userError(() => openLessons(model, { session: other }))).to.match(
        /other holds files that are no session/,
      )
      expect(await userError(() => openLessons(model, { session: join(model, 'config.json') }))).to.match(
        /config.json is a file/,
      )
      await writeFile(join(session, 'session.json'), '{}')
      expect(await userError(() => openLessons(model, { session }))).to.match(/session.json lacks the key/)
      await rm(join(session, 'session.json'))
      expect(await userError(() => openLessons(model, { session }))).to.match(/are no session/)
    }))
})

/** A run of plastic blocks that have learned to remember. */
async function trainedBlocks(folder: string): Promise<string> {
  const { run } = await createTinyRun(folder, rows, {
    lora: undefined,
    task: 'consolidation',
    template: { text: '{{ text }}' },
    npt: { rank: 4, modulation_scale: 1, init_scale: 1, attention_residual: true },
    ...{ per_device_train_batch_size: 3, learning_rate: 2e-2, max_steps: 40 },
  })
  await continueRun(run)
  return run
}
