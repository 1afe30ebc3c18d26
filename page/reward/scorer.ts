/** The worker in which a reward function runs. It is written into `reward.html`: it imports nothing but types. @module */
import type { Answer, Question, Sample } from './messages.ts'

type Reward = (sample: Sample) => unknown

let known: { readonly text: string; readonly reward: Reward } | undefined

/** A function as it is written, or a module whose default export is one. */
async function rewardOf(text: string): Promise<Reward> {
  if (known?.text === text) return known.reward
  const bare = text.replace(/[\s;]+$/, '')
  const code = /^\s*export\s+default\b/m.test(bare) ? bare : `export default (\n${bare}\n)`
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }))
  const { default: reward } = (await import(/* @vite-ignore */ url)) as { default: unknown }
  if (typeof reward !== 'function')
    throw new TypeError('it is no function; write one such as (sample) => sample.response.length')
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
        `it gave ${describe(score)} for the response ${JSON.stringify(sample.response)}; a score is a finite number`,
      )
    scores.push(score)
  }
  return scores
}

function describe(value: unknown): string {
  if (typeof value === 'number' || value === undefined || value === null) return String(value)
  return typeof value === 'string' ? JSON.stringify(value) : `${typeof value}`
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error)

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  scoresOf(data).then(
    (scores) => postMessage({ id: data.id, scores } satisfies Answer),
    (error: unknown) => postMessage({ id: data.id, error: messageOf(error) } satisfies Answer),
  )
})
