/**
 * The policy of PPO, its value head and its reference: sessions on one base model, fed with the tensors that are trained; and
 * how good the policy is.
 * @module
 */
import { factsOf } from '../../../graphs/models/family.ts'
import type { OpenRun } from '../task.ts'
import type { LossScale } from '../../learning/loss_scale.ts'
import { lossScaleOf } from '../../learning/loss_scale.ts'
import type { TrainerState } from '../../learning/trainer_state.ts'
import type { TrainingOptions } from '../../learning/options.ts'
import type { Metrics } from '../../learning/listeners.ts'
import type { Prompt, Response } from '../../learning/rollouts.ts'
import { evaluateTokens, sampleResponses, scoreResponses } from '../../learning/rollouts.ts'
import type { Watch } from '../../data/batches/batches.ts'
import { createDecoder } from '../../generation/decoder.ts'
import { moments } from '../../metrics/moments.ts'
import { deriveSeed } from '../../random.ts'
import type { RewardFunction } from '../../rewards/reward_function.ts'
import { adaptersOff, takenBy } from '../../runtime/feeds.ts'
import type { Feeds, HostTensor, Session, Tensors } from '../../runtime/session.ts'
import type { TrainingState } from '../../runtime/training_state.ts'
import type { PpoOptions } from './options.ts'
import { divergences, learnedScore } from './quantities.ts'

/** The sessions of a run, on one base model. */
export interface PpoSessions {
  /** Of the training graph. */
  readonly training: Session
  /** Of the evaluation graph. */
  readonly evaluation: Session
  /** Of the decoding graph, with the policy's adapters or parameters as inputs. */
  readonly decoding: Session
  /** The evaluation graph on the frozen model; null where `lora_scale` 0 makes the policy's session the reference's. */
  readonly reference: Session | null
}

/** What a policy is made of. */
export interface PolicyParts extends Pick<OpenRun<object>, 'config' | 'tokenizer' | 'stop_tokens'> {
  readonly sessions: PpoSessions
  readonly ppo: PpoOptions
  readonly tensors: TrainingState
  /** Inputs of the graphs that stay the same, such as `lora_scale`. */
  readonly constants: Feeds
}

/** What policy, value head and reference say of each token of responses. */
export interface TokenViews {
  readonly logps: readonly (readonly number[])[]
  readonly values: readonly (readonly number[])[]
  readonly reference: readonly (readonly number[])[]
}

/** The policy, its value head and its reference, over views of the trained tensors: no update needs a reload. */
export interface Policy {
  readonly respond: (
    prompts: readonly Prompt[],
    seed: number,
    options?: {
      readonly firstRow?: number
      /** Is told of every token; what it throws ends the responses. */
      readonly onToken?: () => void
    },
  ) => Promise<Response[]>
  readonly look: (
    responses: readonly Response[],
    batches: readonly (readonly number[])[],
    step: number,
  ) => Promise<TokenViews>
  /** What the next step's gradients are scaled by; undefined where the training graph takes no scale. */
  readonly lossScale: (state: Pick<TrainerState, 'loss_scale'>) => LossScale | undefined
  /** Gives what the training graph does, and leaves the gradients in the training state. */
  readonly gradients: (feeds: Tensors) => Promise<Record<string, HostTensor>>
}

/** @param watch what every session is wrapped in */
export function openPolicy(
  { sessions, tensors, constants, config, tokenizer, stop_tokens, ppo }: PolicyParts,
  watch: (session: Session) => Session,
): Policy {
  const training = watch(sessions.training)
  const evaluation = watch(sessions.evaluation)
  const decoding = watch(sessions.decoding)
  const reference = sessions.reference ? watch(sessions.reference) : evaluation
  const parameters = { ...tensors.parameters, ...constants }
  const ofDecoding = takenBy(decoding, parameters)
  // With a scale of 0 adapters do nothing: what is left is the model before training.
  const ofReference = takenBy(reference, adaptersOff(parameters))
  const facts = factsOf(config)
  const decoder = createDecoder(decoding, facts, ofDecoding)
  const { context } = facts
  const { temperature, top_k, top_p, max_new_tokens } = ppo
  const sampling = {
    ...{ context, tokenizer, temperature, top_k, top_p, max_new_tokens },
    stop_tokens,
  }

  return {
    respond: (prompts, seed, options) => sampleResponses(decoder, prompts, { ...sampling, seed, ...options }),
    async look(responses, batches, step) {
      const when = `at step ${step}`
      const own = await evaluateTokens(evaluation, parameters, responses, {
        batches,
        outputs: ['logps', 'values'],
        what: `the policy ${when}`,
      })
      const other = await evaluateTokens(reference, ofReference, responses, {
        batches,
        outputs: ['logps'],
        what: `the reference ${when}`,
      })
      return { ...own, reference: other.logps }
    },
    lossScale: (state) => lossScaleOf(training, state),
    gradients: (feeds) => training.run({ ...feeds, ...parameters }, { into: tensors.gradients }),
  }
}

export interface PolicyEvaluation {
  readonly options: TrainingOptions
  readonly ppo: PpoOptions
  readonly reward: RewardFunction
  readonly validationPrompts: readonly Prompt[]
}

/**
 * Responses to the validation prompts, drawn from the same streams every time. `eval_reward` is their mean score as the
 * reward gives it, `eval_kl` their mean divergence, by an estimate that is never negative, `eval_length` their tokens;
 * `eval_loss` is what training lowers, −(score as it is learned from − β·KL), with the initial β, so that evaluations compare.
 */
export async function evaluatePolicy(
  policy: Policy,
  { options, ppo, reward, validationPrompts }: PolicyEvaluation,
  step: number,
  watch?: Watch,
): Promise<Metrics> {
  const seed = deriveSeed(options.seed, 'evaluation')
  const size = options.per_device_eval_batch_size
  const scores: number[] = []
  const learned: number[] = []
  const kls: number[] = []
  const lengths: number[] = []
  for (let first = 0; first < validationPrompts.length; first += size) {
    const onToken = (): void => watch?.(first, validationPrompts.length)
    const responses = await policy.respond(validationPrompts.slice(first, first + size), seed, {
      firstRow: first,
      onToken,
    })
    const batch = await scoreResponses(reward, responses)
    const { logps, reference } = await policy.look(responses, [responses.map((_, i) => i)], step)
    for (const [i, { ended, tokens }] of responses.entries()) {
      scores.push(batch[i]!)
      learned.push(learnedScore(batch[i]!, ended, ppo))
      kls.push(divergences(logps[i]!, reference[i]!, ppo.kl_penalty).reduce((sum, kl) => sum + kl, 0))
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
