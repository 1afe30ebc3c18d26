/**
 * What happens between optimizer steps, whatever a step is made of: the schedule, records, evaluation, the best and the last
 * checkpoint, early stopping. Gradient descent and PPO are its `take`.
 * @module
 */
import type { Watch } from '../data/batches/batches.ts'
import { NotFinite, UserError } from '../errors.ts'
import type { OptimizerStep, Stepped } from '../runtime/training_state.ts'
import { Interrupted } from './interrupted.ts'
import type { EvaluationRecord, Listener, Metrics, StepRecord } from './listeners.ts'
import { isBetter, listenersAsOne } from './listeners.ts'
import type { LossScale } from './loss_scale.ts'
import type { Computed } from './not_finite.ts'
import { lossFault } from './not_finite.ts'
import type { TrainingOptions } from './options.ts'
import { plasticStep, runningMean } from './plastic.ts'
import { learningRate, scheduleOf } from './schedule.ts'
import type { TrainerState } from './trainer_state.ts'

/** What the loop asks of a run. */
export interface LoopRun extends Computed {
  readonly options: TrainingOptions & Computed['options']
  /** Where the run stands. */
  readonly state: TrainerState
  /** Whether the step it stands at has not been evaluated. */
  readonly unjudged?: boolean | undefined
  /** Judges the tensors as they are after a step on the validation data. */
  readonly evaluate: (step: number, watch: Watch) => Promise<Metrics>
  /** Writes `checkpoints/<name>` from the tensors and this state. */
  readonly save: (name: 'best' | 'last', state: TrainerState) => Promise<void>
  readonly listeners: readonly Listener[]
  /**
   * Ends the run before its end, after the step under way, with `checkpoints/last`. An evaluation is given up between two batches, and a
   * step that has learned nothing yet; they are made when the run goes on.
   */
  readonly signal?: AbortSignal | undefined
}

export interface Plan {
  /** Steps of the whole run, and of one pass over its data. */
  readonly steps: number
  readonly perEpoch: number
}

/** The step that is to be taken. */
export interface Position {
  /** From 1. */
  readonly step: number
  readonly learningRate: number
  /** After the step before. */
  readonly state: TrainerState
}

/** What a step was like. */
export interface Taken extends Pick<Stepped, 'gradNorm' | 'eligibilityNorm'> {
  readonly loss: number
  /** Real tokens, without padding. */
  readonly tokens: number
  readonly metrics?: Readonly<Record<string, number | readonly number[]>>
  /** What the task wants back at the next step. */
  readonly carried?: TrainerState['carried']
  /** How good the step was, where the third factor of the plastic update is a reward. */
  readonly reward?: number
  /** What the next step's gradients are scaled by, of float16. */
  readonly lossScale?: LossScale
}

/**
 * Takes steps from the run's state to the end, or until it is told to stop, and returns the last state.
 *
 * @throws UserError naming the step where the validation loss is not finite, or as `take` does; or where the state is none of
 * such a run
 */
export async function loop(
  run: LoopRun,
  { steps, perEpoch }: Plan,
  take: (at: Position) => Promise<Taken>,
): Promise<TrainerState> {
  const { options } = run
  const tell = listenersAsOne(run.listeners)
  const schedule = scheduleOf(options, steps)
  const finished = (at: TrainerState) => at.global_step >= steps || stopsEarly(at, options)
  // The last step always is evaluated; where a run is made shorter, it has been taken already.
  const evaluates = ({ global_step: step, batch }: TrainerState) =>
    step === steps || (options.eval_steps === null ? batch === 0 : step % options.eval_steps === 0)
  let state = run.state
  let judged = true
  /** What `checkpoints/last` holds; what a run begins with needs none. */
  let saved = state
  checkPosition(state, perEpoch)
  tell.start({ totalSteps: steps, fromStep: state.global_step, metric: options.metric_for_best_model })
  if (finished(state)) tell.note(endedAlready(state, steps))
  if (run.unjudged && evaluates(state) && state.best_step !== state.global_step) {
    const evaluated = await evaluate(run, state, perEpoch)
    judged = evaluated !== undefined
    state = evaluated ?? state
    if (judged) {
      await atStep(state.global_step, () => run.save('last', state))
      saved = state
    }
  }
  // What training starts from is evaluated too, to compare with; it is no checkpoint, so it cannot be the best.
  if (state.global_step === 0) {
    const metrics = await judge(run, 0)
    if (metrics) tell.evaluation({ step: 0, epoch: 0, ...metrics, best: false })
  }

  while (!finished(state) && !run.signal?.aborted) {
    const step = state.global_step + 1
    const rate = learningRate(schedule, state.global_step)
    const taken = await unlessInterrupted(() => atStep(step, () => take({ step, learningRate: rate, state })))
    if (!taken) {
      if (saved !== state) await atStep(state.global_step, () => run.save('last', state))
      break
    }
    const { loss, gradNorm, eligibilityNorm, tokens, metrics, carried, reward, lossScale } = taken
    state = {
      ...advance(state, perEpoch),
      ...(carried ? { carried } : {}),
      ...(lossScale ? { loss_scale: lossScale } : {}),
      ...(reward === undefined ? {} : { reward_mean: runningMean(state.reward_mean, reward) }),
    }
    const epoch = state.epoch + state.batch / perEpoch
    const record: StepRecord = {
      step,
      epoch,
      loss,
      grad_norm: gradNorm,
      learning_rate: rate,
      tokens,
      ...(lossScale ? { loss_scale: lossScale.scale, skipped: lossScale.skipped } : {}),
      ...(eligibilityNorm === undefined ? {} : { 'plastic/eligibility_norm': eligibilityNorm }),
      ...(reward === undefined ? {} : { 'plastic/reward': reward }),
      ...metrics,
    }
    tell.step(record)

    // A run that was told to stop in its last step comes to its end: what a second signal breaks off then is kept before.
    const ending = step === steps && run.signal?.aborted === true
    if (ending) await atStep(step, () => run.save('last', state))
    const watched = ending ? { ...run, signal: undefined } : run
    const evaluated = evaluates(state) ? await evaluate(watched, state, perEpoch) : state
    judged = evaluated !== undefined
    state = evaluated ?? state
    const due =
      options.save_steps === null ? evaluates(state) : step % options.save_steps === 0 || finished(state)
    if (due || run.signal?.aborted) {
      await atStep(step, () => run.save('last', state))
      saved = state
    }
  }
  if (run.signal?.aborted && !(judged && finished(state)))
    tell.stop({ step: state.global_step, totalSteps: steps })
  return state
}

/** What the validation data says of a step; undefined where the run is told to stop before all of it is read. */
async function judge(run: LoopRun, step: number): Promise<Metrics | undefined> {
  const tell = listenersAsOne(run.listeners)
  return unlessInterrupted(() =>
    atStep(step, () =>
      run.evaluate(step, (done, of) => {
        tell.evaluating({ step, done, of })
        if (run.signal?.aborted && done < of) throw new Interrupted()
      }),
    ),
  )
}

async function unlessInterrupted<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Interrupted) return undefined
    throw error
  }
}

/**
 * Evaluates, tells it, and saves `checkpoints/best` where it is the best so far; returns the state that says so, undefined where the
 * run is told to stop meanwhile.
 */
async function evaluate(
  run: LoopRun,
  state: TrainerState,
  perEpoch: number,
): Promise<TrainerState | undefined> {
  const step = state.global_step
  const metrics = await judge(run, step)
  if (!metrics) return undefined
  if (!Number.isFinite(metrics.eval_loss))
    throw await lossFault('the validation loss', metrics.eval_loss, { at: step, next: step + 1 }, run)
  const name = run.options.metric_for_best_model as keyof Metrics
  const value = metrics[name]
  if (value === undefined) throw new Error(`${name} is not among the metrics of this task`)
  const before = state.best_metric
  const best = before === null || isBetter(name, value, before)
  const next: TrainerState = best
    ? { ...state, best_metric: value, best_step: step, evaluations_without_improvement: 0 }
    : { ...state, evaluations_without_improvement: state.evaluations_without_improvement + 1 }
  const epoch = state.epoch + state.batch / perEpoch
  const record: EvaluationRecord = { step, epoch, ...metrics, best }
  listenersAsOne(run.listeners).evaluation(record)
  if (best) await atStep(step, () => run.save('best', next))
  return next
}

/** Says at which step a number was not finite. */
async function atStep<T>(step: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof NotFinite ? new UserError(`at step ${step}, ${error.message}`) : error
  }
}

/** Whether evaluations have not improved for as long as the options allow. */
const stopsEarly = (state: TrainerState, { early_stopping_patience }: TrainingOptions): boolean =>
  early_stopping_patience !== null && state.evaluations_without_improvement >= early_stopping_patience

const endedAlready = ({ global_step: step }: TrainerState, steps: number): string =>
  step >= steps
    ? `the run has taken all its steps, ${step} of ${steps}; with a larger max_steps or num_train_epochs it goes on`
    : `the run stopped early, at step ${step}; with a larger early_stopping_patience, or null, it goes on`

/** A position that steps lead to: step = epoch·steps per epoch + batch. */
function checkPosition(
  { global_step: step, epoch, batch, best_step: best }: TrainerState,
  perEpoch: number,
): void {
  if (batch >= perEpoch || step !== epoch * perEpoch + batch)
    throw new UserError(
      `the checkpoint is of step ${step}, batch ${batch} of epoch ${epoch}, where an epoch has ${perEpoch} steps; it is of another run or its trainer_state.json was changed`,
    )
  if (best !== null && best > step)
    throw new UserError(
      `the checkpoint is of step ${step}, and the best one of a later step, ${best}; its trainer_state.json was changed, so put it back`,
    )
}

/** The state after a step: at the next batch of this epoch, or the first of the next. */
function advance(state: TrainerState, perEpoch: number): TrainerState {
  const batch = state.batch + 1
  const position = batch < perEpoch ? { epoch: state.epoch, batch } : { epoch: state.epoch + 1, batch: 0 }
  return { ...state, ...position, global_step: state.global_step + 1 }
}

/**
 * The settings of an optimizer step, as the options have them.
 *
 * @param improvement by how much its reward is better than usual, where the third factor of the plastic update is that
 */
export const optimizerStep = (
  options: TrainingOptions,
  step: number,
  rate: number,
  improvement = 0,
): OptimizerStep => ({
  learningRate: rate,
  step,
  beta1: options.adam_beta1,
  beta2: options.adam_beta2,
  epsilon: options.adam_epsilon,
  weightDecay: options.weight_decay,
  ...(options.max_grad_norm > 0 ? { maxGradNorm: options.max_grad_norm } : {}),
  ...(options.plastic ? { plastic: plasticStep(options.plastic, improvement) } : {}),
})
