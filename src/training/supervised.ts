/**
 * Supervised fine-tuning, top to bottom: batches in the order of (seed, epoch), gradients from the training graph,
 * AdamW in place, evaluation, checkpoints.
 * @module
 */
import type { ArrowDataset } from '../data/arrow_reader.ts'
import type { Batch } from '../data/batches.ts'
import { batchCount, trainingBatches } from '../data/batches.ts'
import { collate, totalLabelled } from '../data/collate.ts'
import type { ParameterMemory } from '../runtime/parameter_memory.ts'
import type { Feeds, Session } from '../runtime/session.ts'
import { evaluateLoss } from './evaluate.ts'
import type { TrainingOptions } from './options.ts'
import type { EvaluationRecord, StepRecord, Watcher } from './progress.ts'
import { learningRate } from './schedule.ts'
import type { TrainerState } from './trainer_state.ts'

export interface SupervisedRun {
  readonly options: TrainingOptions
  readonly training: Session
  readonly evaluation: Session
  /** Trainable tensors and their optimizer state; created with `accumulate` where micro-batches are accumulated. */
  readonly memory: ParameterMemory
  /** Inputs of both graphs that stay the same, such as `lora_scale`. */
  readonly constants: Feeds
  readonly trainData: ArrowDataset
  readonly validationData: ArrowDataset
  readonly state: TrainerState
  /** Writes `checkpoints/<name>` from the memory and this state. */
  readonly save: (name: 'best' | 'last', state: TrainerState) => Promise<void>
  readonly log: (record: StepRecord | EvaluationRecord) => void
  readonly watcher?: Watcher
}

/** Optimizer steps of a whole run. */
export function totalSteps(options: TrainingOptions, trainSize: number): number {
  const perEpoch = batchCount(trainSize, examplesPerStep(options))
  return options.max_steps ?? Math.max(1, Math.ceil(perEpoch * options.num_train_epochs))
}

const examplesPerStep = (options: TrainingOptions): number =>
  options.per_device_train_batch_size * options.gradient_accumulation_steps

/**
 * Trains from `state` to the end and returns the last state.
 *
 * @throws Error naming the step and the tensor when a loss or gradient is not finite; nothing of that step is applied
 */
export async function trainSupervised(run: SupervisedRun): Promise<TrainerState> {
  const { options, memory, trainData } = run
  const steps = totalSteps(options, trainData.size)
  const warmupSteps = options.warmup_steps || Math.ceil(options.warmup_ratio * steps)
  const schedule = {
    name: options.lr_scheduler_type,
    peak: options.learning_rate,
    warmupSteps,
    totalSteps: steps,
  }
  const parameters = { ...parameterFeeds(memory), ...run.constants }
  const gradients = gradientTargets(memory)
  let state = run.state
  run.watcher?.start?.({ totalSteps: steps, fromStep: state.global_step })
  const finished = (at: TrainerState) => at.global_step >= steps || stopsEarly(at, options)

  while (!finished(state)) {
    // A step's examples are drawn together, so that cutting them into micro-batches changes nothing.
    const batches = trainingBatches(trainData, {
      batchSize: examplesPerStep(options),
      seed: options.seed,
      epoch: state.epoch,
      start: state.batch,
    })
    for (const batch of batches) {
      const step = state.global_step + 1
      const total = totalLabelled(batch.examples)

      // loss = Σ over micro-batches of Σ nll / total
      let loss = 0
      for (const examples of chunks(batch.examples, options.per_device_train_batch_size)) {
        const feeds = { ...collate(examples, { total }), ...parameters }
        const outputs = await run.training.run(feeds, { into: gradients })
        loss += outputs['loss']!.data[0] as number
        if (options.gradient_accumulation_steps > 1) memory.accumulateGradients()
      }
      if (!Number.isFinite(loss))
        throw new Error(`the loss is ${loss} at step ${step}; lower the learning rate`)

      const rate = learningRate(schedule, state.global_step)
      const { gradNorm } = memory.adamwStep({
        learningRate: rate,
        step,
        beta1: options.adam_beta1,
        beta2: options.adam_beta2,
        epsilon: options.adam_epsilon,
        weightDecay: options.weight_decay,
        ...(options.max_grad_norm > 0 ? { maxGradNorm: options.max_grad_norm } : {}),
      })

      state = advance(state, batch, batchCount(trainData.size, examplesPerStep(options)))
      const record = {
        step,
        epoch: epochOf(state, run),
        loss,
        grad_norm: gradNorm,
        learning_rate: rate,
        tokens: tokensOf(batch),
      }
      run.log(record)
      run.watcher?.step?.(record)

      const atEpochEnd = state.batch === 0
      const evaluates =
        step === steps || (options.eval_steps === null ? atEpochEnd : step % options.eval_steps === 0)
      if (evaluates) state = await evaluate(run, state, parameters)
      const saves =
        options.save_steps === null ? evaluates : step % options.save_steps === 0 || finished(state)
      if (saves) await run.save('last', state)
      if (finished(state)) return state
    }
  }
  return state
}

async function evaluate(run: SupervisedRun, state: TrainerState, parameters: Feeds): Promise<TrainerState> {
  const { per_device_eval_batch_size: batchSize } = run.options
  const { loss, perplexity } = await evaluateLoss(run.evaluation, parameters, run.validationData, batchSize)
  if (!Number.isFinite(loss))
    throw new Error(`the validation loss is ${loss} at step ${state.global_step}; lower the learning rate`)
  const best = state.best_eval_loss === null || loss < state.best_eval_loss
  const next: TrainerState = best
    ? { ...state, best_eval_loss: loss, best_step: state.global_step, evaluations_without_improvement: 0 }
    : { ...state, evaluations_without_improvement: state.evaluations_without_improvement + 1 }
  const record = {
    step: state.global_step,
    epoch: epochOf(state, run),
    eval_loss: loss,
    eval_perplexity: perplexity,
    best,
  }
  run.log(record)
  run.watcher?.evaluation?.(record)
  if (best) await run.save('best', next)
  return next
}

const stopsEarly = (state: TrainerState, { early_stopping_patience }: TrainingOptions): boolean =>
  early_stopping_patience !== null && state.evaluations_without_improvement >= early_stopping_patience

/** The state after a step: at the next batch of this epoch, or the first of the next. */
function advance(state: TrainerState, { index }: Batch, batchesPerEpoch: number): TrainerState {
  const batch = index + 1
  const position =
    batch < batchesPerEpoch ? { epoch: state.epoch, batch } : { epoch: state.epoch + 1, batch: 0 }
  return { ...state, ...position, global_step: state.global_step + 1 }
}

/** Epochs done, as a fraction. */
const epochOf = ({ epoch, batch }: TrainerState, { trainData, options }: SupervisedRun): number =>
  epoch + batch / batchCount(trainData.size, examplesPerStep(options))

const tokensOf = ({ examples }: Batch): number =>
  examples.reduce((sum, { input_ids }) => sum + input_ids.length, 0)

/** The trainable tensors as graph inputs: views of the memory, so that an update needs no new feeds. */
export const parameterFeeds = (memory: ParameterMemory): Feeds =>
  Object.fromEntries(
    memory.names.map((name) => {
      const { shape, parameter } = memory.views(name)
      return [name, { dtype: 'float32', dims: shape, data: parameter }]
    }),
  )

/** Where the training graph writes its gradients. */
export const gradientTargets = (memory: ParameterMemory): Feeds =>
  Object.fromEntries(
    memory.names.map((name) => {
      const { shape, gradient } = memory.views(name)
      return [`${name}_grad`, { dtype: 'float32', dims: shape, data: gradient }]
    }),
  )

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
