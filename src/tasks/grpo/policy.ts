/**
 * The policy of GRPO and RLOO, and its reference: sessions on one base model, fed with the tensors that are trained.
 * @module
 */
import { factsOf } from '../../../graphs/models/family.ts'
import { createDecoder } from '../../generation/decoder.ts'
import type { LossScale } from '../../learning/loss_scale.ts'
import { lossScaleOf } from '../../learning/loss_scale.ts'
import type { Prompt, Response } from '../../learning/rollouts.ts'
import { evaluateTokens, sampleResponses } from '../../learning/rollouts.ts'
import type { TrainerState } from '../../learning/trainer_state.ts'
import { adaptersOff, takenBy } from '../../runtime/feeds.ts'
import type { Feeds, HostTensor, Session, Tensors } from '../../runtime/session.ts'
import type { TrainingState } from '../../runtime/training_state.ts'
import type { OpenRun } from '../task.ts'
import type { GroupOptions } from './options.ts'

/** The sessions of a run, on one base model. */
export interface GroupSessions {
  /** Of the training graph. */
  readonly training: Session
  /** Of the evaluation graph. */
  readonly evaluation: Session
  /** Of the decoding graph, with the policy's adapters or parameters as inputs. */
  readonly decoding: Session
  /** The evaluation graph on the frozen model; null where `lora_scale` 0 makes the policy's session the reference's, or none is needed. */
  readonly reference: Session | null
}

/** What a policy is made of. */
export interface PolicyParts extends Pick<OpenRun<object>, 'config' | 'tokenizer' | 'stop_tokens'> {
  readonly sessions: GroupSessions
  readonly group: GroupOptions
  readonly tensors: TrainingState
  /** Inputs of the graphs that stay the same, such as `lora_scale`. */
  readonly constants: Feeds
}

/** One number per token, of each response that was looked at. */
export type TokenNumbers = readonly (readonly number[])[]

export interface Policy {
  readonly respond: (
    prompts: readonly Prompt[],
    seed: number,
    options: { readonly firstRow?: number; readonly onToken: () => void },
  ) => Promise<Response[]>
  /** log π of the tokens of responses, in the batches given. */
  readonly logps: (
    whose: 'policy' | 'reference',
    responses: readonly Response[],
    batches: readonly (readonly number[])[],
    step: number,
  ) => Promise<TokenNumbers>
  /** What the next step's gradients are scaled by; undefined where the training graph takes no scale. */
  readonly lossScale: (state: Pick<TrainerState, 'loss_scale'>) => LossScale | undefined
  /** Gives what the training graph does, and leaves the gradients in the training state. */
  readonly gradients: (feeds: Tensors) => Promise<Record<string, HostTensor>>
}

/** @param watch what every session is wrapped in */
export function openPolicy(
  { sessions, tensors, constants, config, tokenizer, stop_tokens, group }: PolicyParts,
  watch: (session: Session) => Session,
): Policy {
  const training = watch(sessions.training)
  const evaluation = watch(sessions.evaluation)
  const decoding = watch(sessions.decoding)
  const reference = sessions.reference ? watch(sessions.reference) : evaluation
  const parameters = { ...tensors.parameters, ...constants }
  const views = {
    policy: { session: evaluation, feeds: parameters },
    // With a scale of 0 adapters do nothing: what is left is the model before training.
    reference: { session: reference, feeds: takenBy(reference, adaptersOff(parameters)) },
  }
  const facts = factsOf(config)
  const decoder = createDecoder(decoding, facts, takenBy(decoding, parameters))
  const { temperature, top_k, top_p, min_p, max_completion_length } = group
  const sampling = {
    ...{ context: facts.context, tokenizer, stop_tokens },
    ...{ temperature, top_k, top_p, min_p, max_new_tokens: max_completion_length },
  }
  return {
    respond: (prompts, seed, options) => sampleResponses(decoder, prompts, { ...sampling, seed, ...options }),
    async logps(whose, responses, batches, step) {
      const { session, feeds } = views[whose]
      const what = `the ${whose} at step ${step}`
      const { logps } = await evaluateTokens(session, feeds, responses, {
        ...{ batches, what, outputs: ['logps'] as const },
      })
      return logps
    },
    lossScale: (state) => lossScaleOf(training, state),
    gradients: (feeds) => training.run({ ...feeds, ...parameters }, { into: tensors.gradients }),
  }
}
