/**
 * Learning from examples, top to bottom: batches in the order of (seed, epoch), gradients from the training graph, AdamW in
 * place. A task says with an {@link Objective} what it makes of examples.
 * @module
 */
import type { Batch, Watch } from '../data/batches/batches.ts'
import { batchCount, trainingBatches } from '../data/batches/batches.ts'
import type { Sequences } from '../data/batches/packing.ts'
import { packedRows } from '../data/batches/packing.ts'
import type { EncodedExample } from '../data/examples/encode.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import type { Feeds, HostTensor, Session, Tensors } from '../runtime/session.ts'
import type { TrainingState } from '../runtime/training_state.ts'
import type { Metrics } from './listeners.ts'
import type { LoopRun, Position, Taken } from './loop.ts'
import { loop, optimizerStep } from './loop.ts'
import { lossScaleFeeds, lossScaleOf, nextLossScale, skipping } from './loss_scale.ts'
import type { TrainingOptions } from './options.ts'
import { noiseFeeds } from './noise.ts'
import { lossFault } from './not_finite.ts'
import { improvementOf, wantsReward } from './plastic.ts'
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
  /** All sequences of the step. */
  readonly all: Batch['sequences']
}

type StepMetrics = Record<string, number | readonly number[]>

/** What a task makes of examples. */
export interface Objective {
  /** What examples weigh together: labelled tokens, examples, or pairs. A step's loss is a mean over it. */
  readonly weight: (examples: readonly EncodedExample[]) => number
  /** The training graph's inputs for a micro-batch. */
  readonly feeds: (sequences: Batch['sequences'], of: MicroBatch) => Feeds | Promise<Feeds>
  /** What is logged as the loss, where that of the graph has its gradient and another value. */
  readonly loss?: (outputs: readonly Readonly<Record<string, HostTensor>>[]) => number
  /** What is logged with a step, from its micro-batches' outputs and inputs and all its sequences; before the tensors change. */
  readonly metrics?: (
    outputs: readonly Readonly<Record<string, HostTensor>>[],
    of: Pick<Batch, 'sequences'> & Pick<MicroBatch, 'total' | 'step'> & { readonly feeds: readonly Feeds[] },
  ) => StepMetrics | Promise<StepMetrics>
  /** How good a step was, for plastic updates that go by it; by default minus its loss. */
  readonly reward?: (outputs: readonly Readonly<Record<string, HostTensor>>[]) => number
}

export interface GradientDescentRun extends Omit<LoopRun, 'evaluate'> {
  readonly objective: Objective
  readonly training: Session
  /** What is trained; it accumulates gradients where a step has several micro-batches. */
  readonly tensors: TrainingState
  /** Inputs of the graphs that stay the same, such as `lora_scale`. */
  readonly constants: Feeds
  readonly trainData: DataSet
  /** Judges these parameters on the validation data. */
  readonly evaluate: (parameters: Tensors, watch: Watch) => Promise<Metrics>
}

/** The sequences that a run's batches are made of: rows, packs of rows, or pairs of answers. */
export const trainingSequences = (options: TrainingOptions, data: DataSet): Sequences =>
  options.packing && data.layout.rowsPerExample === 1
    ? packedRows(data.lengths, data.maxLength)
    : data.layout.examples(data.lengths)

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
export async function gradientDescent(run: GradientDescentRun): Promise<TrainerState> {
  const { options, objective, tensors, trainData } = run
  const sequences = trainingSequences(options, trainData)
  const parameters = { ...tensors.parameters, ...run.constants }
  const nextBatch = batchStream(trainData, sequences, options)
  const size = options.per_device_train_batch_size

  async function take({ step, learningRate, state }: Position): Promise<Taken> {
    // A step's examples are drawn together, so that cutting them into micro-batches changes nothing.
    const batch = nextBatch(state)
    const all = batch.sequences
    const total = objective.weight(all.flat())
    const scale = lossScaleOf(run.training, state)

    // loss = Σ over micro-batches of Σ nll / total
    let loss = 0
    const outputs: Record<string, HostTensor>[] = []
    const fed: Feeds[] = []
    for (let first = 0; first < all.length; first += size) {
      const micro = all.slice(first, first + size)
      const rows = batch.rows.slice(first, first + size)
      const batched = await objective.feeds(micro, { total, step, first, rows, all })
      const feeds = {
        ...batched,
        ...noiseFeeds(run.training, batched, options.seed, { step, first, sequences: micro.length }),
        ...lossScaleFeeds(scale),
      }
      const output = await run.training.run({ ...feeds, ...parameters }, { into: tensors.gradients })
      loss += output['loss']!.data[0] as number
      outputs.push(output)
      fed.push(feeds)
      if (options.gradient_accumulation_steps > 1) await tensors.accumulate()
    }
    if (!Number.isFinite(loss)) throw await lossFault('the loss', loss, { at: step, next: step }, run)

    const reward = wantsReward(options) ? (objective.reward?.(outputs) ?? -loss) : undefined
    const improvement = reward === undefined ? 0 : improvementOf(state.reward_mean, reward)
    const metrics = await objective.metrics?.(outputs, { sequences: all, total, step, feeds: fed })
    // A step that is left out counts for the data and the schedule, and not for AdamW's corrections of bias.
    const { skipped, ...stepped } = await tensors.step({
      ...optimizerStep(options, step - (scale?.skipped ?? 0), learningRate, improvement),
      ...(scale ? { runStep: step } : {}),
      ...skipping(scale),
    })
    return {
      ...{ loss: objective.loss?.(outputs) ?? loss, ...stepped, tokens: tokensOf(batch) },
      ...(scale ? { lossScale: nextLossScale(scale, skipped) } : {}),
      ...(metrics ? { metrics } : {}),
      ...(reward === undefined ? {} : { reward }),
    }
  }

  const plan = {
    steps: totalSteps(options, sequences.size),
    perEpoch: batchCount(sequences.size, sequencesPerStep(options)),
  }
  return loop({ ...run, evaluate: (_, watch) => run.evaluate(parameters, watch) }, plan, take)
}

/** Gives the batch at a position; those of one epoch one after the other. */
function batchStream(data: DataSet, sequences: Sequences, options: TrainingOptions) {
  const order = { batchSize: sequencesPerStep(options), seed: options.seed }
  let epoch: number | undefined
  let batches: Generator<Batch> | undefined
  return ({ epoch: wanted, batch: start }: TrainerState): Batch => {
    if (wanted !== epoch) batches = trainingBatches(data, { ...order, epoch: wanted, start }, sequences)
    epoch = wanted
    const next = batches!.next()
    if (next.done) throw new Error(`epoch ${wanted} of the data has no batch ${start}`)
    return next.value
  }
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
