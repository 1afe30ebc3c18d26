/** @module */
import { END_OF_TEXT } from '../data/templates/end_of_text.ts'
import type { Prompt } from '../learning/rollouts.ts'
import type { RewardSource } from '../rewards/reward_source.ts'
import type { Host } from './task.ts'

/** Scores the data's own answers to the first prompt, and to one that has none or else the last. */
export async function tryReward(
  prompts: readonly Prompt[],
  host: Pick<Host, 'openReward'>,
  source: RewardSource,
): Promise<void> {
  const unanswered = prompts.find(({ references }) => references.length === 0)
  const reward = await host.openReward(source)
  try {
    await reward.score(
      [prompts[0]!, unanswered ?? prompts.at(-1)!].map(({ text, references }) => ({
        prompt: text,
        response: `${references[0] ?? ''}${END_OF_TEXT}`,
        references,
      })),
    )
  } finally {
    await reward.release()
  }
}
