/**
 * Proximal policy optimization of a language model, top to bottom: sampled responses are scored, tokens pay for diverging
 * from the reference, advantages are estimated, and policy and value head learn from them in several epochs of
 * mini-batches with clipped losses (`graphs/losses/ppo.ts`).
 *
 * Schulman et al.: Proximal Policy Optimization Algorithms (2017); Ziegler et al.: Fine-Tuning Language Models from Human
 * Preferences (2019); Stiennon et al.: Learning to Summarize from Human Feedback (2020). Quantities are those of TRL 0.11.
 *
 * Everything random is drawn from (seed, update, row), so a run that was interrupted goes on as if it had not been.
 * @module
 */
import type { Listener } from '../../learning/listeners.ts'
import type { LoopRun, Position, Taken } from '../../learning/loop.ts'
import { loop } from '../../learning/loop.ts'
import type { UpdateEnd } from '../../learning/optimizer_of_update.ts'
import { optimizerOfUpdate } from '../../learning/optimizer_of_update.ts'
import type { LossScale } from '../../learning/loss_scale.ts'
import { lossScaleFeeds } from '../../learning/loss_scale.ts'
import type { TrainingOptions } from '../../learning/options.ts'
import { improvementOf, wantsReward } from '../../learning/plastic.ts'
import type { Prompt, Response } from '../../learning/rollouts.ts'
import {
  checkFinite,
  collateResponses,
  promptsOfRollout,
  rolloutsPerEpoch,
  scoreResponses,
  watchDrawing,
} from '../../learning/rollouts.ts'
import type { LogRecord } from '../../learning/listeners.ts'
import type { Stopwatch } from '../../learning/stopwatch.ts'
import { createStopwatch } from '../../learning/stopwatch.ts'
import type { TrainerState } from '../../learning/trainer_state.ts'
import { moments } from '../../metrics/moments.ts'
import { deriveSeed } from '../../random.ts'
import type { RewardFunction } from '../../rewards/reward_function.ts'
import type { HostTensor } from '../../runtime/session.ts'
import { updateTimes } from '../update_times.ts'
import type { Experience, MiniBatchOutcome, RolloutRecord } from './log.ts'
import {
  furthestRatio,
  miniBatchStatistics,
  responseStatistics,
  rolloutRecord,
  updateStatistics,
} from './log.ts'
import type { MiniBatch } from './mini_batches.ts'
import { miniBatches } from './mini_batches.ts'
import type { PpoOptions } from './options.ts'
import type { Policy, PolicyParts, TokenViews } from './policy.ts'
import { evaluatePolicy, openPolicy } from './policy.ts'
import {
  generalizedAdvantages,
  klPenalties,
  learnedScore,
  nextKlCoefficient,
  tokenRewards,
  whiten,
} from './quantities.ts'

export interface PpoRun extends PolicyParts, Pick<LoopRun, 'state' | 'unjudged' | 'save' | 'signal'> {
  readonly options: TrainingOptions
  readonly listeners: readonly Listener[]
  readonly reward: RewardFunction
  readonly prompts: readonly Prompt[]
  readonly validationPrompts: readonly Prompt[]
  /** Keeps a sampled response. */
  readonly logRollout: (record: RolloutRecord) => void
  /** Keeps how long an update took; apart from the log, which the seed alone determines. */
  readonly logTimes: (record: LogRecord & Record<string, number>) => void
}

/** Of each update so many responses are kept. */
const KEPT_ROLLOUTS = 4
/** Early stopping: how far the policy may move beyond `target_kl`. */
const KL_TOLERANCE = 1.5

/** Updates of a whole run over so many prompts. */
export function totalUpdates(options: TrainingOptions, { batch_size }: PpoOptions, prompts: number): number {
  const perEpoch = rolloutsPerEpoch(prompts, batch_size)
  return options.max_steps ?? Math.max(1, Math.ceil(perEpoch * options.num_train_epochs))
}

/**
 * Trains from `state` to the end and returns the last state; a step of the run is an update.
 *
 * @throws UserError naming the step and the tensor when a number is not finite; or where the reward fails
 */
export async function trainPpo(run: PpoRun): Promise<TrainerState> {
  const { options, ppo } = run
  const stopwatch = createStopwatch()
  const policy = openPolicy(run, (session) => stopwatch.watch('sessions', session))

  async function take({ step, learningRate: rate, state }: Position): Promise<Taken> {
    const { kl_coef = ppo.init_kl_coef, optimizer_steps = 0 } = state.carried ?? {}
    stopwatch.read()
    const began = performance.now()

    // Responses y ~ π(·|x) to the prompts of (seed, epoch), and their scores.
    const place = { seed: options.seed, epoch: state.epoch, batch: state.batch, batchSize: ppo.batch_size }
    const prompts = promptsOfRollout(run.prompts, place)
    const seed = deriveSeed(options.seed, 'responses', step)
    const watch = watchDrawing(run, step, prompts.length * ppo.max_new_tokens)
    const responses = await stopwatch.time('generate', () =>
      policy.respond(prompts, seed, { onToken: watch.token }),
    )
    const scores = await stopwatch.time('score', () => scoreResponses(run.reward, responses))
    watch.end()

    const lengths = responses.map(({ tokens }) => tokens.length)
    const plan = miniBatches(lengths, { ...options, ...ppo }, options.seed, step)
    const reward = moments(scores).mean
    const update = {
      ...{ responses, scores, plan, rate, step },
      improvement: improvementOf(state.reward_mean, reward),
      klCoefficient: kl_coef,
      lossScale: policy.lossScale(state),
      optimizerSteps: optimizer_steps,
    }
    const updated = await updatePolicy(policy, run, update, stopwatch)
    const total = (performance.now() - began) / 1000
    run.logTimes({ step, ...updateTimes('ppo', stopwatch.read(), total) })
    for (const experience of updated.experiences.slice(0, KEPT_ROLLOUTS))
      run.logRollout(rolloutRecord(experience, step))
    return {
      loss: updated.statistics['ppo/loss/total']!,
      gradNorm: updated.gradNorm,
      tokens: responses.reduce((sum, { prompt, tokens }) => sum + prompt.ids.length + tokens.length, 0),
      metrics: updated.statistics,
      carried: { kl_coef: updated.klCoefficient, optimizer_steps: updated.optimizerSteps },
      ...(updated.lossScale ? { lossScale: updated.lossScale } : {}),
      ...(updated.eligibilityNorm === undefined ? {} : { eligibilityNorm: updated.eligibilityNorm }),
      ...(wantsReward(options) ? { reward } : {}),
    }
  }

  const plan = {
    steps: totalUpdates(options, ppo, run.prompts.length),
    perEpoch: rolloutsPerEpoch(run.prompts.length, ppo.batch_size),
  }
  return loop({ ...run, evaluate: (step, watch) => evaluatePolicy(policy, run, step, watch) }, plan, take)
}

/** What an update learns from, and where it stands in the run. */
export interface Update {
  readonly responses: readonly Response[]
  /** One per response. */
  readonly scores: readonly number[]
  readonly plan: readonly MiniBatch[]
  /** β */
  readonly klCoefficient: number
  /** Learning rate. */
  readonly rate: number
  /** AdamW's steps before it. */
  readonly optimizerSteps: number
  /** Its number, from 1. */
  readonly step: number
  /** By how much the mean of its scores is above that of the updates before. */
  readonly improvement?: number
  /** What its gradients are scaled by, of float16. */
  readonly lossScale?: LossScale | undefined
}

export interface Updated extends UpdateEnd {
  readonly experiences: readonly Experience[]
  /** Under TRL's names. */
  readonly statistics: Record<string, number>
  /** β for the next update. */
  readonly klCoefficient: number
}

/** One update: from scored responses to another policy, whose tensors are in the memory. */
export async function updatePolicy(
  policy: Policy,
  run: Pick<PpoRun, 'options' | 'ppo' | 'tensors'>,
  update: Update,
  stopwatch: Pick<Stopwatch, 'time'>,
): Promise<Updated> {
  const { responses, plan, klCoefficient } = update
  // log π_old, V_old and log π_ref of every token, in the mini-batches of the first epoch: where training begins its numbers
  // are then these, and every ratio is 1.
  const firstEpoch = plan.slice(0, plan.findIndex(({ endsEpoch }) => endsEpoch) + 1)
  const before = await stopwatch.time('forward_pass', () =>
    policy.look(
      responses,
      firstEpoch.map(({ rows }) => rows),
      update.step,
    ),
  )
  const experiences = weigh(update, before, run.ppo)
  const learned = await stopwatch.time('optimize_step', () => learn(policy, run, experiences, update))
  const statistics = responseStatistics(experiences, klCoefficient)
  return {
    ...learned,
    experiences,
    statistics: { ...statistics, ...learned.statistics, 'ppo/learning_rate': update.rate },
    klCoefficient: nextKlCoefficient(klCoefficient, statistics['objective/kl']!, responses.length, run.ppo),
  }
}

/** r_t = −β·KL_t, and the score more at the end; advantages by GAE, whitened over the update. */
function weigh(
  { responses, scores, klCoefficient }: Update,
  { logps, values, reference }: TokenViews,
  ppo: PpoOptions,
): Experience[] {
  const learned = responses.map(({ ended }, i) => learnedScore(scores[i]!, ended, ppo))
  const kls = responses.map((_, i) => klPenalties(logps[i]!, reference[i]!, ppo.kl_penalty))
  const given = kls.map((kl, i) => tokenRewards(learned[i]!, kl, klCoefficient))
  const rewards = ppo.whiten_rewards ? whiten(given, false) : given
  const estimates = rewards.map((reward, i) => generalizedAdvantages(reward, values[i]!, ppo))
  const advantages = whiten(estimates.map((estimate) => estimate.advantages))
  return responses.map((response, i) => ({
    response,
    score: scores[i]!,
    learnedScore: learned[i]!,
    logps: logps[i]!,
    values: values[i]!,
    kls: kls[i]!,
    advantages: advantages[i]!,
    returns: estimates[i]!.returns,
  }))
}

/** Epochs of mini-batches under the clipped losses, until the policy has moved far enough; AdamW wherever a step ends. */
async function learn(
  policy: Policy,
  { options, ppo, tensors }: Pick<PpoRun, 'options' | 'ppo' | 'tensors'>,
  experiences: readonly Experience[],
  { plan, rate, step, optimizerSteps, improvement, lossScale }: Update,
): Promise<UpdateEnd & Pick<Updated, 'statistics'>> {
  const optimizer = optimizerOfUpdate({ options, tensors, rate, improvement, lossScale, optimizerSteps })
  const all: Record<string, number>[] = []
  let firstRatio: number | undefined
  let epochs = 0
  for (const { rows, tokenWeight, endsStep, endsEpoch } of plan) {
    const some = rows.map((row) => experiences[row]!)
    const outcome = await learnFrom(policy, some, { tokenWeight, step, scale: optimizer.scale() })
    firstRatio ??= furthestRatio(outcome)
    const statistics = miniBatchStatistics(outcome, ppo)
    all.push(statistics)
    await optimizer.accumulate()
    if (endsEpoch) epochs++

    // As in TRL, the last mini-batch of an epoch decides whether the policy has moved too far for another step.
    const movedFar = statistics['policy/policykl']! > KL_TOLERANCE * ppo.target_kl
    if (endsStep) await optimizer.step()
    if (ppo.early_stopping && endsEpoch && movedFar) {
      tensors.discard()
      break
    }
  }
  const statistics = {
    ...updateStatistics(all),
    'ppo/policy/ratio': firstRatio!,
    'ppo/epochs': epochs,
  }
  return { statistics, ...optimizer.end() }
}

/** The gradients of a mini-batch, which are left in the memory, and what it was like. */
async function learnFrom(
  policy: Policy,
  some: readonly Experience[],
  {
    tokenWeight,
    step,
    scale,
  }: {
    readonly tokenWeight: number
    readonly step: number
    readonly scale: LossScale | undefined
  },
): Promise<MiniBatchOutcome> {
  const oldLogps = some.flatMap(({ logps }) => logps)
  const oldValues = some.flatMap(({ values }) => values)
  const advantages = some.flatMap((experience) => experience.advantages)
  const returns = some.flatMap((experience) => experience.returns)
  const labelled = oldLogps.length
  const perToken = (data: readonly number[]): HostTensor => ({
    dtype: 'float32',
    dims: [labelled],
    data: Float32Array.from(data),
  })
  const outputs = await policy.gradients({
    ...collateResponses(some.map(({ response }) => response)),
    old_logps: perToken(oldLogps),
    old_values: perToken(oldValues),
    advantages: perToken(advantages),
    returns: perToken(returns),
    token_weights: perToken(oldLogps.map(() => tokenWeight)),
    ...lossScaleFeeds(scale),
  })
  const given = (name: string) => {
    const data = outputs[name]!.data as Float32Array
    checkFinite(data, `${name} at step ${step}`)
    return data
  }
  given('loss')
  // The graph sums with the weights of the optimizer step; a mean over the mini-batch is that sum over its weight.
  const mean = (name: string) => given(name)[0]! / (labelled * tokenWeight)
  return {
    policyLoss: mean('policy_loss'),
    valueLoss: mean('value_loss'),
    entropy: mean('entropy'),
    logps: given('logps'),
    values: given('values'),
    ...{ oldLogps, oldValues, advantages, returns },
  }
}
