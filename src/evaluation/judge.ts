/**
 * One policy against another: what they answer to the same prompts, and what a reward function makes of it. Beside every
 * reward stand divergence, length and likeness to the preferred answers, because a policy can raise the one by giving up
 * the others.
 * @module
 */
import { UserError } from '../errors.ts'
import { standingRun } from '../formats/curriculum.ts'
import { END_OF_TEXT } from '../data/templates/end_of_text.ts'
import type { Split } from '../data/sets/splits.ts'
import type { CheckpointName } from '../models/find_model.ts'
import type { Answer } from '../generation/continue_all.ts'
import { continueAll } from '../generation/continue_all.ts'
import { openTokenGenerator } from '../models/open_token_generator.ts'
import type { SamplingOptions } from '../generation/sampling.ts'
import { greedy } from '../generation/sampling.ts'
import type { WinRate } from '../metrics/win_rate.ts'
import { winRate } from '../metrics/win_rate.ts'
import { logRatios } from './divergence.ts'
import { enoughTokens } from './evaluate_generation.ts'
import type { Case } from './judge_prompts.ts'
import { promptsFor, readCases } from './judge_prompts.ts'
import type { AnswerJudgement, PolicyJudgement } from './judgement.ts'
import { summarise } from './judgement.ts'
import type { Policy } from './judge_policies.ts'
import { findPolicies } from './judge_policies.ts'
import { openRewardFunction } from '../models/open_reward.ts'
import { checkDigest } from '../rewards/reward_digest.ts'
import type { RewardFunction } from '../rewards/reward_function.ts'
import type { RewardSource } from '../rewards/reward_source.ts'
import type { RunConfig } from '../runs/config.ts'
import { taskOptions } from '../runs/learning_config.ts'
import type { Device } from '../runtime/device.ts'
import { nodeRuntime } from '../runtime/node_runtime.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { readRunConfig } from '../runs/run_config.ts'
import { rewardsOf } from '../runs/reward.ts'
import type { WeightedSources } from '../rewards/weighted_rewards.ts'
import { openRewards } from '../rewards/weighted_rewards.ts'

export interface JudgeOptions {
  /** Where to compute; by default as the run's configuration has it. */
  readonly device?: Device
  /** The folder of a run that trains a policy; its prepared data has the prompts. */
  readonly run: string
  /** A run, a checkpoint or a model; by default the run's model before training. */
  readonly other?: string | undefined
  /** Of `run`; by default the best, or what there is. */
  readonly checkpoint?: CheckpointName | undefined
  readonly split: Split
  /** By default what the run was trained on. */
  readonly reward?: RewardSource | undefined
  /** Most of them; default 100. */
  readonly prompts?: number | undefined
  /** By default what PPO trained with, or what 99 % of the preferred answers need; at most what the context has room for. */
  readonly maxNewTokens?: number | undefined
  /** How answers are drawn; by default greedily. */
  readonly sampling?: Partial<SamplingOptions> | undefined
  /** Of the draws, the same for both, and of the bootstrap. Default 0. */
  readonly seed?: number | undefined
  /** Prompts that are answered, and answers that are read, together. Default 16. */
  readonly batch?: number | undefined
  /** Called with what is being done, and for how many prompts it is. */
  readonly onProgress?: ((doing: string, done: number, total: number) => void) | undefined
  /** Is told which reward function of the run's is run, before it is. */
  readonly note?: ((sentence: string) => void) | undefined
  /** Is given the answers of a policy before they are scored, to keep them whatever the scoring comes to. */
  readonly onAnswers?: ((answers: readonly UnscoredAnswer[]) => Promise<void>) | undefined
}

/** An answer that is still to be scored. */
export interface UnscoredAnswer {
  readonly policy: string
  readonly prompt: string
  readonly text: string
  readonly tokens: number
  readonly ended: boolean
}

/** Texts are without white space around them. */
export interface JudgedSample {
  readonly prompt: string
  /** The preferred answers; none where the data has none. */
  readonly references: readonly string[]
  /** Of the run's policy and of the other. */
  readonly answers: readonly [AnswerJudgement, AnswerJudgement]
}

export interface Judgement {
  readonly run: string
  readonly checkpoint: CheckpointName
  readonly split: Split
  /** What gave the scores. */
  readonly reward: string
  readonly prompts: number
  readonly references: number
  readonly max_new_tokens: number
  readonly sampling: SamplingOptions
  readonly seed: number
  /** Of the run's policy and of the other. */
  readonly policies: readonly [PolicyJudgement, PolicyJudgement]
  /** Of the run's policy over the other. */
  readonly win_rate: WinRate
  readonly samples: readonly JudgedSample[]
}

/** What both policies answer under. */
interface Conditions {
  readonly cases: readonly Case[]
  /** Whose tokens the cases are in. */
  readonly run: string
  readonly maxNewTokens: number
  readonly sampling: SamplingOptions
  readonly seed: number
  readonly batch: number
  readonly runtime: Runtime
  readonly onProgress: JudgeOptions['onProgress']
  readonly onAnswers: JudgeOptions['onAnswers']
}

const DEFAULT_PROMPTS = 100
const DEFAULT_BATCH = 16

/**
 * Judges the policy of a run against another one.
 *
 * @throws UserError where the folder is no run of a policy or has no such checkpoint, split or prompts; where the other is
 * no language model, or the same one; where the reward function cannot be opened or fails
 */
export async function judge(options: JudgeOptions): Promise<Judgement> {
  const { split, seed = 0, batch = DEFAULT_BATCH, onProgress, onAnswers } = options
  const run = await standingRun(options.run)
  const cases = await readCases(run, split, options.prompts ?? DEFAULT_PROMPTS)
  const policies = await findPolicies(run, options.checkpoint, options.other)
  const config = { ...(await readRunConfig(run)), ...options.device }
  const sources = options.reward ? { reward_funcs: [options.reward] } : await ownRewards(config)
  const runtime = nodeRuntime(config)
  const maxNewTokens = options.maxNewTokens ?? newTokensOf(config) ?? enoughTokens(cases)
  const sampling = { ...greedy, ...options.sampling }
  const conditions = { run, cases, maxNewTokens, sampling, seed, batch, runtime, onProgress, onAnswers }

  const reward = await openRewards(sources, (source) =>
    openRewardFunction(source, {
      batch,
      provider: config.provider,
      threads: config.threads,
      note: options.reward ? undefined : options.note,
    }),
  )
  try {
    const first = await judgePolicy(policies[0], reward, conditions)
    const second = await judgePolicy(policies[1], reward, conditions)
    const samples = cases.map(({ promptText, referenceTexts }, i) => ({
      prompt: promptText.trim(),
      references: referenceTexts.map((text) => text.trim()),
      answers: [first[i]!, second[i]!] as const,
    }))
    const rewards = [first, second].map((answers) => answers.map((answer) => answer.reward))
    const references = samples.map((sample) => sample.references)
    return {
      run,
      checkpoint: policies[0].checkpoint!,
      split,
      reward: reward.name,
      prompts: cases.length,
      references: references.flat().length,
      max_new_tokens: maxNewTokens,
      sampling,
      seed,
      policies: [
        summarise(policies[0], first, references, seed),
        summarise(policies[1], second, references, seed),
      ],
      win_rate: winRate(rewards[0]!, rewards[1]!, { seed }),
      samples,
    }
  } finally {
    await reward.release()
  }
}

/** What a run was trained on, where its task learns from rewards. */
async function ownRewards(config: RunConfig): Promise<WeightedSources> {
  const rewards = rewardsOf(config)
  if (rewards === undefined)
    throw new UserError(
      `${config.output_dir} is of task ${config.task}, which learns from no reward; name what scores answers by --reward`,
    )
  for (const reward of rewards.reward_funcs)
    if ('function' in reward) await checkDigest(reward, 'name what scores answers by --reward')
  return rewards
}

/** How long answers are that a run trained with, where its task has it draw some. */
function newTokensOf(config: RunConfig): number | undefined {
  const options: { readonly max_new_tokens?: number; readonly max_completion_length?: number } =
    taskOptions(config)
  return options.max_completion_length ?? options.max_new_tokens
}

/** What a policy answers to each prompt, scored. */
async function judgePolicy(
  policy: Policy,
  reward: RewardFunction,
  conditions: Conditions,
): Promise<AnswerJudgement[]> {
  const { run, cases, maxNewTokens, sampling, seed, batch, runtime, onProgress, onAnswers } = conditions
  const { name, found, before } = policy
  const progress = (doing: string) => (done: number, total: number) =>
    onProgress?.(`${name}: ${doing}`, done, total)
  const generator = await openTokenGenerator(found, runtime)
  const { tokenizer } = generator
  let prompts: readonly (readonly number[])[]
  let answers: Answer[]
  try {
    prompts = await promptsFor(policy, generator, run, cases)
    const onAnswers = progress('answering')
    answers = await continueAll(generator, prompts, {
      maxNewTokens,
      sampling,
      seed,
      batch,
      onProgress: onAnswers,
    })
  } finally {
    await generator.release()
  }

  const texts = answers.map(({ tokens }) => tokenizer.decode(tokens))
  await onAnswers?.(
    answers.map(({ tokens, ended }, i) => ({
      policy: name,
      prompt: cases[i]!.promptText.trim(),
      text: texts[i]!.trim(),
      tokens: tokens.length,
      ended,
    })),
  )
  progress('scoring')(0, cases.length)
  const rewards = await reward.score(
    cases.map(({ promptText, referenceTexts }, i) => ({
      prompt: promptText,
      response: texts[i]! + (answers[i]!.ended ? END_OF_TEXT : ''),
      references: referenceTexts,
    })),
  )
  progress('comparing with the model before training')(0, cases.length)
  const responses = answers.map(({ tokens, ended }, i) => ({
    prompt: prompts[i]!,
    response: ended ? [...tokens, tokenizer.eosId] : tokens,
  }))
  const kl = before && (await logRatios(found, before, responses, { batch, runtime }))
  progress('done')(cases.length, cases.length)
  return answers.map(({ tokens, ended }, i) => ({
    text: texts[i]!.trim(),
    reward: rewards[i]!,
    tokens: tokens.length,
    ended,
    kl: kl?.[i] ?? null,
  }))
}
