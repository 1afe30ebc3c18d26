/**
 * Whether a policy has something to respond to and to learn from, before there is a run.
 * @module
 */
import { join } from 'node:path'

import { openArrowDataset } from '../../data/sets/arrow_reader.ts'
import { END_OF_TEXT } from '../../data/templates/end_of_text.ts'
import { splitFile } from '../../data/sets/splits.ts'
import type { RewardSource } from '../../rewards/reward_function.ts'
import { openRewardFunction } from '../../rewards/reward_function.ts'
import { loadTokenizer } from '../../text/tokenizer.ts'
import type { PpoOptions } from './options.ts'
import type { PpoPrompt, PromptLimits } from './prompts.ts'
import { readPrompts } from './prompts.ts'

/**
 * Reads the prompts that training will read, and tries a metric or a function on two of them.
 *
 * @param folder of the run, with tokenizer and data
 * @throws UserError where a prompt leaves no room for a response, or the reward fails
 */
export async function checkPpoData(
  folder: string,
  { reward, max_new_tokens }: Pick<PpoOptions, 'reward' | 'max_new_tokens'>,
  limits: Omit<PromptLimits, 'max_new_tokens'>,
): Promise<void> {
  const tokenizer = await loadTokenizer(folder)
  for (const split of ['train', 'validation'] as const) {
    const dataset = openArrowDataset(splitFile(join(folder, 'data'), split))
    try {
      const prompts = readPrompts(dataset, tokenizer, { ...limits, max_new_tokens })
      // What a reward model needs was there when it was opened.
      if (!('model' in reward)) await tryReward(reward, prompts)
    } finally {
      dataset.close()
    }
  }
}

/** Scores the data's own answers to the first prompt, and to one that has none or else the last. */
async function tryReward(source: RewardSource, prompts: readonly PpoPrompt[]): Promise<void> {
  const unanswered = prompts.find(({ references }) => references.length === 0)
  const reward = await openRewardFunction(source)
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
