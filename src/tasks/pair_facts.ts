/**
 * What is known of tasks whose policy learns from pairs of answers.
 * @module
 */
import type { Panel, Task } from './task.ts'

/** What does not go with a policy that learns from pairs. */
export const pairsRefuse = (task: string): Task['refuses'] => ({
  packing: 'the answers of a pair share their prompt already',
  plasticBlocks: 'refused',
  frozen: `lora "none" leaves the policy of task ${task} as it is; train lora or full`,
})

/** The curves of an implicit reward. @param accuracies the title of the share of pairs whose chosen answer is ahead */
export const rewardsCurves = (accuracies: string): readonly Panel[] => [
  {
    title: accuracies,
    curves: { training: 'rewards/accuracies', validation: 'eval_rewards/accuracies' },
  },
  {
    title: 'implicit reward of the answers',
    curves: { chosen: 'rewards/chosen', rejected: 'rewards/rejected' },
  },
]
