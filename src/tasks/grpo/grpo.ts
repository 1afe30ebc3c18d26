/**
 * Group relative policy optimization and RLOO of a language model, top to bottom: groups of completions are drawn to prompts and
 * scored, each completion's advantage is what its reward is above the others of its group, and the policy learns from them with a
 * clipped loss (`graphs/losses/grpo.ts`). No value head; no reference where divergence costs nothing.
 *
 * Everything random is drawn from (seed, update, row), so a run that was interrupted goes on as if it had not been.
 * @module
 */
import type { Watch } from '../../data/batches/batches.ts'
import type { Listener, LogRecord, Metrics } from '../../learning/listeners.ts'
import type { LoopRun, Position, Taken } from '../../learning/loop.ts'
import { loop } from '../../learning/loop.ts'
import type { LossScale } from '../../learning/loss_scale.ts'
import { lossScaleFeeds } from '../../learning/loss_scale.ts'
import type { UpdateEnd } from '../../learning/optimizer_of_update.ts'
import { optimizerOfUpdate } from '../../learning/optimizer_of_update.ts'
import type { TrainingOptions } from '../../learning/options.ts'
import { improvementOf, wantsReward } from '../../learning/plastic.ts'
import type { Prompt, Response } from '../../learning/rollouts.ts'
import {
  checkFinite,
  collateResponses,
  perResponse,
  promptsOfRollout,
  rolloutsPerEpoch,
  samplesOf,
  watchDrawing,
} from '../../learning/rollouts.ts'
import type { Stopwatch } from '../../learning/stopwatch.ts'
import { createStopwatch } from '../../learning/stopwatch.ts'
import type { TrainerState } from '../../learning/trainer_state.ts'
import { moments } from '../../metrics/moments.ts'
import { deriveSeed } from '../../random.ts'
import type { WeightedRewards } from '../../rewards/weighted_rewards.ts'
import type { HostTensor, Tensors } from '../../runtime/session.ts'
import { updateTimes } from '../update_times.ts'
import type { Estimator } from './estimator.ts'
import type { CompletionRecord } from './log.ts'
import { batchStatistics, equalGroups, lengthStatistics, meanStatistics, rewardStatistics } from './log.ts'
import type { MicroBatch } from './micro_batches.ts'
import { completionsPerRollout, microBatches } from './micro_batches.ts'
import type { Policy, PolicyParts, TokenNumbers } from './policy.ts'
import { openPolicy } from './policy.ts'

export interface GroupRun extends PolicyParts, Pick<LoopRun, 'state' | 'unjudged' | 'save' | 'signal'> {
  /** The task's name, which its options have. */
  readonly task: string
  readonly options: TrainingOptions
  readonly estimator: Estimator
  readonly listeners: readonly Listener[]
  readonly rewards: WeightedRewards
  readonly prompts: readonly Prompt[]
  readonly validationPrompts: readonly Prompt[]
  /** Keeps a completion. */
  readonly logRollout: (record: CompletionRecord) => void
  /** Keeps how long an update took; apart from the log, which the seed alone determines. */
  readonly logTimes: (record: LogRecord & Record<string, number>) => void
}

/** Of each update so many completions are kept. */
const KEPT_ROLLOUTS = 4

/**
 * Trains from `state` to the end and returns the last state; a step of the run is an update: a rollout and what is learned from it.
 *
 * @throws UserError naming the step and the tensor when a number is not finite; or where a reward fails
 */
export async function trainGroups(run: GroupRun): Promise<TrainerState> {
  const { options, group, task } = run
  const stopwatch = createStopwatch()
  const policy = openPolicy(run, (session) => stopwatch.watch('sessions', session))
  const size = completionsPerRollout(options, group, task)
  const batchSize = size / group.num_generations

  async function take({ step, learningRate: rate, state }: Position): Promise<Taken> {
    stopwatch.read()
    const began = performance.now()
    const place = { seed: options.seed, epoch: state.epoch, batch: state.batch, batchSize }
    const prompts = promptsOfRollout(run.prompts, place).flatMap((prompt) =>
      Array.from({ length: group.num_generations }, () => prompt),
    )
    const watch = watchDrawing(run, step, size * group.max_completion_length)
    const responses = await stopwatch.time('generate', () =>
      policy.respond(prompts, deriveSeed(options.seed, 'responses', step), { onToken: watch.token }),
    )
    const scores = await stopwatch.time('score', () => run.rewards.scores(samplesOf(responses)))
    watch.end()

    const reward = moments(scores.total).mean
    const updated = await updateFromGroups(
      policy,
      run,
      {
        ...{ responses, rewards: scores.total, rate, step },
        improvement: improvementOf(state.reward_mean, reward),
        lossScale: policy.lossScale(state),
        optimizerSteps: state.carried?.optimizer_steps ?? 0,
      },
      stopwatch,
    )
    const total = (performance.now() - began) / 1000
    run.logTimes({ step, ...updateTimes(task, stopwatch.read(), total) })
    for (const [i, { prompt, text, tokens }] of responses.slice(0, KEPT_ROLLOUTS).entries())
      run.logRollout({
        ...{ step, prompt: prompt.text, response: text, score: scores.total[i]! },
        ...{ advantage: updated.advantages[i]!, tokens: tokens.length },
      })
    const { lossScale, eligibilityNorm } = updated
    return {
      loss: updated.loss,
      gradNorm: updated.gradNorm,
      tokens: responses.reduce((sum, { prompt, tokens }) => sum + prompt.ids.length + tokens.length, 0),
      metrics: {
        ...rewardStatistics(scores),
        frac_reward_zero_std: equalGroups(scores.total, group.num_generations),
        ...lengthStatistics(responses),
        ...updated.statistics,
      },
      carried: { optimizer_steps: updated.optimizerSteps },
      ...(lossScale ? { lossScale } : {}),
      ...(eligibilityNorm === undefined ? {} : { eligibilityNorm }),
      ...(wantsReward(options) ? { reward } : {}),
    }
  }

  const perEpoch = rolloutsPerEpoch(run.prompts.length, batchSize)
  const steps = options.max_steps ?? Math.max(1, Math.ceil(perEpoch * options.num_train_epochs))
  return loop(
    { ...run, evaluate: (_, watch) => evaluatePolicy(policy, run, watch) },
    { steps, perEpoch },
    take,
  )
}

/** A rollout that is to be learned from, and where it stands in the run. */
export interface Update {
  /** Those of a group follow each other. */
  readonly responses: readonly Response[]
  /** The weighted sum of each completion's rewards. */
  readonly rewards: readonly number[]
  /** Learning rate. */
  readonly rate: number
  /** Its number, from 1. */
  readonly step: number
  readonly improvement?: number
  readonly lossScale?: LossScale | undefined
  /** AdamW's steps before it. */
  readonly optimizerSteps: number
}

export interface Updated extends UpdateEnd {
  /** One of each completion. */
  readonly advantages: readonly number[]
  /** Mean over the optimizer's steps. */
  readonly loss: number
  /** Under TRL's names: of what was learned from. */
  readonly statistics: Record<string, number>
}

/** One update: from completions with rewards to another policy, whose tensors are in the memory. */
export async function updateFromGroups(
  policy: Policy,
  run: Pick<GroupRun, 'options' | 'group' | 'estimator' | 'tensors'>,
  update: Update,
  stopwatch: Pick<Stopwatch, 'time'>,
): Promise<Updated> {
  const { options, group, estimator } = run
  const { responses, step, rewards } = update
  const learned = responses.map(({ ended }) => ended || !group.mask_truncated_completions)
  const lengths = responses.map(({ tokens }, i) => (learned[i] ? tokens.length : 0))
  const { max_completion_length } = group
  const weighing = { lossType: estimator.lossType, max_completion_length }
  const plan = microBatches(lengths, options, group, weighing, step)
  const firstPass = plan.slice(0, plan.length / group.num_iterations)
  const rowsOf = (batches: readonly MicroBatch[]) => batches.map(({ rows }) => rows)

  // log π_old, where a training step will not give it: of what is learned from after the policy has moved.
  const wanted = estimator.penalised ? firstPass : firstPass.filter(({ onPolicy }) => !onPolicy)
  const compares = estimator.penalised || estimator.loss.beta > 0
  const [old, reference] = await stopwatch.time('forward_pass', async () => [
    [...(await policy.logps('policy', responses, rowsOf(wanted), step))],
    compares ? await policy.logps('reference', responses, rowsOf(firstPass), step) : undefined,
  ])
  const divergences =
    estimator.penalised && reference
      ? old.map((row, i) => row.map((logp, t) => logp - reference[i]![t]!))
      : undefined
  const kls = divergences?.map((row, i) => (learned[i] ? row.reduce((sum, kl) => sum + kl, 0) : 0))
  const advantages = estimator.advantages(rewards, kls)

  const optimizer = optimizerOfUpdate({ ...run, ...update })
  const all: Record<string, number>[] = []
  let loss = 0
  await stopwatch.time('optimize_step', async () => {
    for (const batch of plan) {
      const { rows, onPolicy, endsStep } = batch
      const of = <T>(values: readonly T[]): T[] => rows.map((row) => values[row]!)
      const outputs = await policy.gradients({
        ...batchFeeds(estimator, batch, { responses, advantages, old, reference }),
        ...lossScaleFeeds(optimizer.scale()),
      })
      const given = (name: string) => {
        const data = outputs[name]!.data as Float32Array
        checkFinite(data, `${name} at step ${step}`)
        return data
      }
      loss += given('loss')[0]!
      const logps = perResponse(given('logps'), of(responses))
      if (onPolicy) for (const [i, row] of rows.entries()) old[row] = logps[i]!
      all.push(
        batchStatistics(
          {
            logps,
            entropies: perResponse(given('entropies'), of(responses)),
            oldLogps: of(old),
            reference: estimator.loss.beta > 0 && reference ? of(reference) : undefined,
            advantages: of(advantages),
            learned: of(learned),
          },
          estimator,
        ),
      )
      await optimizer.accumulate()
      if (endsStep) await optimizer.step()
    }
  })
  return {
    ...optimizer.end(),
    advantages,
    loss: loss / plan.filter(({ endsStep }) => endsStep).length,
    statistics: {
      ...meanStatistics(all),
      ...(divergences && { kl: moments(divergences.filter((_, i) => learned[i]).flat()).mean }),
    },
  }
}

/** A batch as the training graph takes it. */
export function batchFeeds(
  { loss, sequence }: Pick<Estimator, 'loss' | 'sequence'>,
  { rows, tokenWeights, onPolicy }: MicroBatch,
  {
    responses,
    advantages,
    old,
    reference,
  }: {
    readonly responses: readonly Response[]
    readonly advantages: readonly number[]
    readonly old: TokenNumbers
    readonly reference: TokenNumbers | undefined
  },
): Tensors {
  const some = rows.map((row) => responses[row]!)
  const perToken = (of: (row: number, i: number) => readonly number[] | number): HostTensor => {
    const values = some.flatMap(({ tokens }, i) => {
      const given = of(rows[i]!, i)
      return typeof given === 'number' ? tokens.map(() => given) : given
    })
    return vector(values)
  }
  const ofSequences = loss.importance_sampling_level === 'sequence'
  const labelRows = some.flatMap(({ tokens }, i) => tokens.map(() => BigInt(i)))
  return {
    ...collateResponses(some),
    old_logps: perToken((row) => (onPolicy ? 0 : old[row]!)),
    on_policy: { dtype: 'float32', dims: [], data: Float32Array.of(onPolicy ? 1 : 0) },
    advantages: perToken((row) => advantages[row]!),
    token_weights: perToken((_, i) => tokenWeights[i]!),
    ...(ofSequences && {
      label_rows: { dtype: 'int64', dims: [labelRows.length], data: BigInt64Array.from(labelRows) },
      sequence_weights: vector(some.map(({ tokens }) => (sequence === 'mean' ? 1 / tokens.length : 1))),
    }),
    ...(loss.beta > 0 && reference ? { reference_logps: perToken((row) => reference[row]!) } : {}),
  }
}

const vector = (values: readonly number[]): HostTensor => ({
  dtype: 'float32',
  dims: [values.length],
  data: Float32Array.from(values),
})

/**
 * A completion to each validation prompt, drawn from the same streams every time. `eval_reward` is the mean of their rewards;
 * `eval_loss`, which has to be low, is minus that.
 */
async function evaluatePolicy(
  policy: Policy,
  { options, rewards, validationPrompts }: GroupRun,
  watch: Watch,
): Promise<Metrics> {
  const seed = deriveSeed(options.seed, 'evaluation')
  const size = options.per_device_eval_batch_size
  const responses: Response[] = []
  for (let first = 0; first < validationPrompts.length; first += size) {
    const onToken = (): void => watch(first, validationPrompts.length)
    const some = validationPrompts.slice(first, first + size)
    responses.push(...(await policy.respond(some, seed, { firstRow: first, onToken })))
  }
  const { reward, reward_std, ...each } = rewardStatistics(await rewards.scores(samplesOf(responses)))
  const lengths = lengthStatistics(responses)
  const own = Object.entries(each).filter(([name]) => name.endsWith('/mean'))
  return {
    eval_loss: -reward!,
    eval_reward: reward!,
    eval_reward_std: reward_std!,
    // Of one source it is the reward.
    ...Object.fromEntries(own.length === 1 ? [] : own.map(([name, mean]) => [`eval_${name}`, mean])),
    'eval_completions/mean_length': lengths['completions/mean_length']!,
    'eval_completions/clipped_ratio': lengths['completions/clipped_ratio']!,
  }
}
