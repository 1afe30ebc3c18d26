/**
 * Where trained tensors, their gradients and what the optimizer keeps of each live between steps: WebAssembly memory, or a
 * device. Loops speak of it in these words alone.
 * @module
 */
import type { Feeds } from './session.ts'

/** What one AdamW step is made with; Loshchilov, Hutter: Decoupled Weight Decay Regularization (2019). */
export interface OptimizerStep {
  readonly learningRate: number
  /** The optimizer step, counted from 1: it sets the bias corrections. */
  readonly step: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  /** Applied to tensors of two dimensions or more; biases and norms are not decayed. */
  readonly weightDecay: number
  /** Gradients are scaled down where their global norm exceeds this; absent: never. */
  readonly maxGradNorm?: number
}

/** What to do about a number that is not finite at a step: before the first update the learning rate is not to blame. */
export const remedyAt = (step: number): string =>
  step === 1
    ? 'nothing has been learned yet, so look at the weights of the model and at the options of its task'
    : 'lower the learning rate'

/** What AdamW keeps of a tensor: the decaying means of its gradients and of their squares. */
export const OPTIMIZER_SLOTS = ['exp_avg', 'exp_avg_sq'] as const

/** A tensor itself, or what the optimizer keeps of it. */
export type Slot = 'parameter' | (typeof OPTIMIZER_SLOTS)[number]

export interface TrainingState {
  /** The trained tensors, in the order of the graphs' inputs. */
  readonly names: readonly string[]
  shape(name: string): readonly number[]
  /** The tensors as graphs are fed them; a step needs no new feeds. */
  readonly parameters: Feeds
  /** `<tensor>_grad`: where the training graph writes. */
  readonly gradients: Feeds
  /** Adds the gradients to those of the step's earlier micro-batches. */
  accumulate(): void
  /** Forgets what was accumulated, where the step it was for is not made. */
  discard(): void
  /**
   * One optimizer step from what was accumulated.
   *
   * @returns the global gradient norm before clipping, and whether the step was left out
   * @throws UserError naming the first tensor whose gradient is not finite; nothing has been updated then
   */
  step(settings: OptimizerStep): Promise<{ readonly gradNorm: number; readonly skipped: boolean }>
  /** The numbers of a tensor's slot, row-major; not to be changed. */
  read(name: string, slot: Slot): Promise<Float32Array>
  write(name: string, slot: Slot, data: Float32Array): Promise<void>
}
