/**
 * How good a policy is on validation prompts.
 * @module
 */
import { deriveSeed } from '../../random.ts'
import { klPenalties, learnedScore, moments } from './advantages.ts'
import type { TrainingOptions } from '../../learning/options.ts'
import type { PpoOptions } from './options.ts'
import type { Policy } from './policy.ts'
import type { PpoPrompt } from './prompts.ts'
import type { Metrics } from '../../learning/progress.ts'
import type { RewardFunction } from '../../rewards/reward_function.ts'
import { scoreResponses } from './rollout.ts'

export interface PolicyEvaluation {
  readonly options: TrainingOptions
  readonly ppo: PpoOptions
  readonly reward: RewardFunction
  readonly validationPrompts: readonly PpoPrompt[]
}

/**
 * Responses to the validation prompts, drawn from the same streams every time. `eval_reward` is their mean score as the
 * reward gives it, `eval_kl` their mean divergence, `eval_length` their tokens; `eval_loss` is what training lowers,
 * −(score as it is learned from − β·KL), with the initial β, so that evaluations compare.
 */
export async function evaluatePolicy(
  policy: Policy,
  { options, ppo, reward, validationPrompts }: PolicyEvaluation,
  step: number,
): Promise<Metrics> {
  const seed = deriveSeed(options.seed, 'evaluation')
  const size = options.per_device_eval_batch_size
  const scores: number[] = []
  const learned: number[] = []
  const kls: number[] = []
  const lengths: number[] = []
  for (let first = 0; first < validationPrompts.length; first += size) {
    const responses = await policy.respond(validationPrompts.slice(first, first + size), seed, first)
    const batch = await scoreResponses(reward, responses)
    const { logps, reference } = await policy.look(responses, [responses.map((_, i) => i)], step)
    for (const [i, { ended, tokens }] of responses.entries()) {
      scores.push(batch[i]!)
      learned.push(learnedScore(batch[i]!, ended, ppo))
      kls.push(klPenalties(logps[i]!, reference[i]!, ppo.kl_penalty).reduce((sum, kl) => sum + kl, 0))
      lengths.push(tokens.length)
    }
  }
  const { mean, variance } = moments(scores)
  const kl = moments(kls).mean
  return {
    eval_loss: ppo.init_kl_coef * kl - moments(learned).mean,
    eval_reward: mean,
    eval_reward_std: Math.sqrt(variance),
    eval_kl: kl,
    eval_length: moments(lengths).mean,
  }
}
