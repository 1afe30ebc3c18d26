/**
 * The policy of PPO, its value head and its reference: sessions on one base model, fed with the tensors that are trained.
 * @module
 */
import type { Gpt2Config } from '../../../graphs/models/gpt2_config.ts'
import { loraScale } from '../../models/adapter_inputs.ts'
import type { ParameterMemory } from '../../runtime/parameter_memory.ts'
import type { Feeds, HostTensor, Session } from '../../runtime/session.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import type { PpoOptions } from './options.ts'
import type { PpoPrompt } from './prompts.ts'
import type { Response } from './rollout.ts'
import { evaluateTokens, sampleResponses } from './rollout.ts'
import { gradientTargets, parameterFeeds } from '../../learning/gradient_descent.ts'

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
export interface PolicyParts {
  readonly sessions: PpoSessions
  readonly config: Gpt2Config
  readonly tokenizer: Tokenizer
  readonly ppo: PpoOptions
  /** Trainable tensors and their optimizer state; created with `accumulate` where mini-batches are accumulated. */
  readonly memory: ParameterMemory
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
  readonly respond: (prompts: readonly PpoPrompt[], seed: number, firstRow?: number) => Promise<Response[]>
  readonly look: (
    responses: readonly Response[],
    batches: readonly (readonly number[])[],
    step: number,
  ) => Promise<TokenViews>
  readonly gradients: (feeds: Feeds, labelled: number) => Promise<Record<string, HostTensor>>
}

/**
 * @param watch what every session is wrapped in
 */
export function openPolicy(
  { sessions, memory, constants, config, tokenizer, ppo }: PolicyParts,
  watch: (session: Session) => Session,
): Policy {
  const training = watch(sessions.training)
  const evaluation = watch(sessions.evaluation)
  const decoding = watch(sessions.decoding)
  const reference = sessions.reference ? watch(sessions.reference) : evaluation
  const parameters = { ...parameterFeeds(memory), ...constants }
  const targets = gradientTargets(memory)
  const takenBy = (session: Session, feeds: Feeds): Feeds =>
    Object.fromEntries(Object.entries(feeds).filter(([name]) => session.inputNames.includes(name)))
  const ofDecoding = takenBy(decoding, parameters)
  // With a scale of 0 adapters do nothing: what is left is the model before training.
  const ofReference = takenBy(reference, { ...parameters, ...loraScale(0) })

  return {
    respond: (prompts, seed, firstRow = 0) =>
      sampleResponses(decoding, ofDecoding, prompts, { config, tokenizer, ppo, seed, firstRow }),
    async look(responses, batches, step) {
      const at = `at step ${step}`
      const own = await evaluateTokens(evaluation, parameters, responses, {
        batches,
        what: `the policy ${at}`,
      })
      const other = await evaluateTokens(reference, ofReference, responses, {
        batches,
        what: `the reference ${at}`,
      })
      return { ...own, reference: other.logps }
    },
    gradients: (feeds, labelled) => {
      const room = (): HostTensor => ({
        dtype: 'float32',
        dims: [labelled],
        data: new Float32Array(labelled),
      })
      return training.run(
        { ...feeds, ...parameters },
        { into: { ...targets, logps: room(), values: room() } },
      )
    },
  }
}
