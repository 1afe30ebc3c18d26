/** @module */

/** What graphs give out that compare answers with a reference. */
export const answerDocs = {
  logps: 'log π of each answer, summed over its tokens',
  rewards: 'the implicit reward of each answer, β·(log π − log π_ref)',
  logits: "the mean of each answer's logits, over its tokens and the vocabulary",
} as const
