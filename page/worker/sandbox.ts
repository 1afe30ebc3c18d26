/**
 * Reward functions that someone wrote in the page: they run in a sandboxed document, at the other end of a port.
 * @module
 */
import type { RewardFunction, RewardSample } from '../../src/web.ts'
import { UserError } from '../../src/web.ts'
import type { Answer, Question } from '../reward/messages.ts'

export interface Sandbox {
  /** What the function gives for each sample, unchecked. */
  score(reward: string, samples: readonly RewardSample[]): Promise<readonly unknown[]>
}

/** In milliseconds; the sandbox ends functions earlier, and says so itself. */
const PATIENCE = 60_000

export function createSandbox(port: MessagePort): Sandbox {
  const waiting = new Map<number, (answer: Answer) => void>()
  let asked = 0
  port.onmessage = ({ data }: MessageEvent<Answer>) => waiting.get(data.id)?.(data)
  return {
    async score(reward, samples) {
      const id = ++asked
      const plain = samples.map(({ prompt, response }) => ({
        prompt: textOf(prompt),
        response: textOf(response),
      }))
      const answer = await new Promise<Answer>((resolve) => {
        waiting.set(id, resolve)
        setTimeout(() => resolve({ id, error: 'it gave no answer within a minute' }), PATIENCE)
        port.postMessage({ id, reward, samples: plain } satisfies Question)
      })
      waiting.delete(id)
      if ('error' in answer) throw new UserError(`the reward function fails: ${answer.error}; change it`)
      return answer.scores
    },
  }
}

const textOf = (text: unknown): string => String(text)

export type Scored = readonly { readonly prompt: string; readonly response: string; readonly score: number }[]

/**
 * A function's text as a source of scores.
 *
 * @param told of the samples of each update, with their scores
 */
export const sandboxedReward = (
  sandbox: () => Sandbox,
  reward: string,
  told: (scored: Scored) => void = () => undefined,
): RewardFunction => ({
  name: 'the reward function',
  async score(samples) {
    // Whoever asked checks what they are.
    const scores = (await sandbox().score(reward, samples)) as number[]
    told(samples.map(({ prompt, response }, i) => ({ prompt, response, score: scores[i]! })))
    return scores
  },
  release: async () => undefined,
})
