/**
 * Supervised fine-tuning, top to bottom: batches in the order of (seed, epoch), gradients from the training graph,
 * AdamW in place, evaluation, checkpoints.
 * @module
 */
import type { ArrowDataset } from '../data/sets/arrow_reader.ts'
import type { Batch } from '../data/batches/batches.ts'
import { batchCount, trainingBatches } from '../data/batches/batches.ts'
import type { EncodedExample } from '../data/examples/encode.ts'
import type { Sequences } from '../data/batches/packing.ts'
import { packedRows, pairRows, singleRows } from '../data/batches/packing.ts'
import { UserError } from '../errors.ts'
import type { ParameterMemory } from '../runtime/parameter_memory.ts'
import type { Feeds, HostTensor, Session } from '../runtime/session.ts'
import type { TrainingOptions } from './options.ts'
import type { EvaluationRecord, Metrics, StepRecord, Watcher } from './progress.ts'
import { learningRate, scheduleOf } from './schedule.ts'
import type { TrainerState } from './trainer_state.ts'

/** Where a micro-batch stands in its optimizer step. */
export interface MicroBatch {
  /** What the examples of the whole step weigh together. */
  readonly total: number
  /** From 1. */
  readonly step: number
  /** Number of its first sequence within the step. */
  readonly first: number
  /** Row numbers of its sequences in the training data. */
  readonly rows: Batch['rows']
}

/** What a task makes of examples. */
export interface Objective {
  /** What examples weigh together: labelled tokens, examples, or pairs. A step's loss is a mean over it. */
  readonly weight: (examples: readonly EncodedExample[]) => number
  /** The training graph's inputs for a micro-batch. */
  readonly feeds: (
    sequences: readonly (readonly EncodedExample[])[],
    of: MicroBatch,
  ) => Feeds | Promise<Feeds>
  /** Where the training graph writes outputs whose size the examples decide; without it such a step copies all outputs. */
  readonly outputs?: (sequences: readonly (readonly EncodedExample[])[]) => Feeds
  /** What is logged with a step, from the outputs of its micro-batches and all its sequences. */
  readonly metrics?: (
    outputs: readonly Readonly<Record<string, HostTensor>>[],
    of: Pick<Batch, 'sequences'> & { readonly total: number },
  ) => Record<string, number | readonly number[]>
}

export interface SupervisedRun {
  readonly options: TrainingOptions
  readonly objective: Objective
  readonly training: Session
  /** Trainable tensors and their optimizer state; created with `accumulate` where micro-batches are accumulated. */
  readonly memory: ParameterMemory
  /** Inputs of the graphs that stay the same, such as `lora_scale`. */
  readonly constants: Feeds
  readonly trainData: ArrowDataset
  /** Judges these parameters on the validation data. */
  readonly evaluate: (parameters: Feeds) => Promise<Metrics>
  readonly state: TrainerState
  /** Writes `checkpoints/<name>` from the memory and this state. */
  readonly save: (name: 'best' | 'last', state: TrainerState) => Promise<void>
  readonly log: (record: StepRecord | EvaluationRecord) => void
  readonly watcher?: Watcher
}

/** The sequences that a run's batches are made of: rows, packs of rows, or pairs of answers. */
export const trainingSequences = (options: TrainingOptions, data: ArrowDataset): Sequences =>
  data.pairs
    ? pairRows(data.lengths)
    : options.packing
      ? packedRows(data.lengths, data.maxLength)
      : singleRows(data.lengths)

/** Optimizer steps of a whole run over so many sequences. */
export function totalSteps(options: TrainingOptions, sequences: number): number {
  const perEpoch = batchCount(sequences, sequencesPerStep(options))
  return options.max_steps ?? Math.max(1, Math.ceil(perEpoch * options.num_train_epochs))
}

const sequencesPerStep = (options: TrainingOptions): number =>
  options.per_device_train_batch_size * options.gradient_accumulation_steps

/**
 * Trains from `state` to the end and returns the last state.
 *
 * @throws UserError naming the step and the tensor when a loss or gradient is not finite; nothing of that step is applied
 */
export async function trainSupervised(run: SupervisedRun): Promise<TrainerState> {
  const { options, objective, memory, trainData } = run
  const sequences = trainingSequences(options, trainData)
  const steps = totalSteps(options, sequences.size)
  const batchesPerEpoch = batchCount(sequences.size, sequencesPerStep(options))
  const schedule = scheduleOf(options, steps)
  const parameters = { ...parameterFeeds(memory), ...run.constants }
  const gradients = gradientTargets(memory)
  let state = run.state
  run.watcher?.start?.({ totalSteps: steps, fromStep: state.global_step })
  const finished = (at: TrainerState) => at.global_step >= steps || stopsEarly(at, options)

  while (!finished(state)) {
    // A step's examples are drawn together, so that cutting them into micro-batches changes nothing.
    const order = { batchSize: sequencesPerStep(options), seed: options.seed }
    const position = { epoch: state.epoch, start: state.batch }
    for (const batch of trainingBatches(trainData, { ...order, ...position }, sequences)) {
      const step = state.global_step + 1
      const total = objective.weight(batch.sequences.flat())

      // loss = Σ over micro-batches of Σ nll / total
      let loss = 0
      const outputs: Record<string, HostTensor>[] = []
      const size = options.per_device_train_batch_size
      for (let first = 0; first < batch.sequences.length; first += size) {
        const micro = batch.sequences.slice(first, first + size)
        const rows = batch.rows.slice(first, first + size)
        const feeds = { ...(await objective.feeds(micro, { total, step, first, rows })), ...parameters }
        const into = { ...gradients, ...objective.outputs?.(micro) }
        const output = await run.training.run(feeds, { into })
        loss += output['loss']!.data[0] as number
        outputs.push(output)
        if (options.gradient_accumulation_steps > 1) memory.accumulateGradients()
      }
      if (!Number.isFinite(loss))
        throw new UserError(`the loss is ${loss} at step ${step}; lower the learning rate`)

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

      state = advance(state, batch, batchesPerEpoch)
      const epoch = state.epoch + state.batch / batchesPerEpoch
      const record = {
        step,
        epoch,
        loss,
        grad_norm: gradNorm,
        learning_rate: rate,
        tokens: tokensOf(batch),
        ...objective.metrics?.(outputs, { sequences: batch.sequences, total }),
      }
      run.log(record)
      run.watcher?.step?.(record)

      const atEpochEnd = state.batch === 0
      const evaluates =
        step === steps || (options.eval_steps === null ? atEpochEnd : step % options.eval_steps === 0)
      if (evaluates) state = await evaluate(run, state, epoch, parameters)
      const saves =
        options.save_steps === null ? evaluates : step % options.save_steps === 0 || finished(state)
      if (saves) await run.save('last', state)
      if (finished(state)) return state
    }
  }
  return state
}

/** Evaluates, logs it, and saves `checkpoints/best` where it is the best so far; returns the state that says so. */
export async function evaluate(
  run: Pick<SupervisedRun, 'options' | 'evaluate' | 'log' | 'save' | 'watcher'>,
  state: TrainerState,
  epoch: number,
  parameters: Feeds,
): Promise<TrainerState> {
  const metrics = await run.evaluate(parameters)
  const step = state.global_step
  if (!Number.isFinite(metrics.eval_loss))
    throw new UserError(
      `the validation loss is ${metrics.eval_loss} at step ${step}; lower the learning rate`,
    )
  const name = run.options.metric_for_best_model
  const value = metrics[name]
  if (value === undefined) throw new Error(`${name} is not among the metrics of this task`)
  const before = state.best_metric
  const best = before === null || (name === 'eval_loss' ? value < before : value > before)
  const next: TrainerState = best
    ? { ...state, best_metric: value, best_step: step, evaluations_without_improvement: 0 }
    : { ...state, evaluations_without_improvement: state.evaluations_without_improvement + 1 }
  const record = { step, epoch, ...metrics, best }
  run.log(record)
  run.watcher?.evaluation?.(record)
  if (best) await run.save('best', next)
  return next
}

/** Whether evaluations have not improved for as long as the options allow. */
export const stopsEarly = (state: TrainerState, { early_stopping_patience }: TrainingOptions): boolean =>
  early_stopping_patience !== null && state.evaluations_without_improvement >= early_stopping_patience

/** The state after a step: at the next batch of this epoch, or the first of the next. */
export function advance(
  state: TrainerState,
  { index }: Pick<Batch, 'index'>,
  batchesPerEpoch: number,
): TrainerState {
  const batch = index + 1
  const position =
    batch < batchesPerEpoch ? { epoch: state.epoch, batch } : { epoch: state.epoch + 1, batch: 0 }
  return { ...state, ...position, global_step: state.global_step + 1 }
}

/** Metrics that are outputs of the training graph, of those that it has, summed over the micro-batches. */
export const summedOutputs =
  (names: readonly string[]): NonNullable<Objective['metrics']> =>
  (outputs) => {
    const present = names.filter((name) => outputs[0]?.[name])
    const sum = (name: string) =>
      outputs
        .map((output) => Array.from(output[name]!.data as Float32Array))
        .reduce((sums, values) => sums.map((value, i) => value + values[i]!))
    return Object.fromEntries(present.map((name) => [name, sum(name)]))
  }

const tokensOf = ({ sequences }: Batch): number =>
  sequences.flat().reduce((sum, { input_ids }) => sum + input_ids.length, 0)

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
