/** The worker in which a reward function runs. It is written into `reward.html`: it imports nothing but types. @module */
import type { Answer, Question, Sample } from './messages.ts'

type Reward = (sample: Sample) => unknown

let known: { readonly text: string; readonly reward: Reward } | undefined

/** Characters of what a message says of a value. */
const LONGEST = 300

const WANTED = 'write a function such as (sample) => sample.response.length'

/** What may stand behind a function: nothing of note, or a comment. */
const END = /[\s;]+$/
const COMMENT = /(?:\/\/(?:(?!\/\/).)*|\/\*(?:(?!\/\*)[^])*\*\/)$/

async function imported(code: string): Promise<unknown> {
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }))
  return ((await import(/* @vite-ignore */ url)) as { default: unknown }).default
}

/** The value of an expression, or the default export of a module. */
async function valueOf(text: string): Promise<unknown> {
  if (/^\s*export\s+default\b/m.test(text)) return imported(text)
  let refused: SyntaxError | undefined
  // What looks like a comment may be a part of a string: it is taken away where the text is not understood with it.
  for (let bare = text.replace(END, ''); bare !== '';) {
    try {
      return await imported(`export default (\n${bare}\n)`)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      refused ??= error
    }
    const shorter = bare.replace(COMMENT, '').replace(END, '')
    if (shorter === bare) throw refused
    bare = shorter
  }
  throw new TypeError(`there is nothing in it; ${WANTED}`)
}

async function rewardOf(text: string): Promise<Reward> {
  if (known?.text === text) return known.reward
  const reward = await valueOf(text)
  if (typeof reward !== 'function') throw new TypeError(`it is no function; ${WANTED}`)
  known = { text, reward: reward as Reward }
  return known.reward
}

async function scoresOf({ reward: text, samples }: Question): Promise<unknown[]> {
  const reward = await rewardOf(text)
  const scores: unknown[] = []
  for (const sample of samples) {
    const score = await reward(sample)
    if (typeof score !== 'number' || !Number.isFinite(score))
      throw new TypeError(
        `it gave ${describe(score)} for the response ${describe(sample.response)}; a score is a finite number`,
      )
    scores.push(score)
  }
  return scores
}

function describe(value: unknown): string {
  if (typeof value === 'number' || value === undefined || value === null) return String(value)
  return typeof value === 'string' ? JSON.stringify(value.slice(0, LONGEST)) : `${typeof value}`
}

/** Whatever is thrown, in words that are not too many. */
function messageOf(error: unknown): string {
  try {
    if (error instanceof Error) return `${error.name}: ${error.message}`.slice(0, LONGEST)
  } catch {
    // An error of its own kind, which cannot even be read.
  }
  return `it threw ${describe(error)}`
}

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  scoresOf(data).then(
    (scores) => postMessage({ id: data.id, scores } satisfies Answer),
    (error: unknown) => postMessage({ id: data.id, error: messageOf(error) } satisfies Answer),
  )
})
