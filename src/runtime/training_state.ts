/**
 * Where trained tensors, their gradients and what the optimizer keeps of each live between steps: WebAssembly memory, or a
 * device. Loops speak of it in these words alone.
 * @module
 */
import type { Tensors } from './session.ts'

/** What one AdamW step is made with; Loshchilov, Hutter: Decoupled Weight Decay Regularization (2019). */
export interface OptimizerStep {
  readonly learningRate: number
  /** The optimizer step, counted from 1: it sets the bias corrections. */
  readonly step: number
  /** The step of the run that it is, for errors; absent: the same. */
  readonly runStep?: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  /** Applied to tensors of two dimensions or more; biases and norms are not decayed. */
  readonly weightDecay: number
  /** Gradients are scaled down where their global norm exceeds this; absent: never. */
  readonly maxGradNorm?: number
  /** Whether the step is left out where a gradient is not finite, in place of an error. */
  readonly skipNotFinite?: boolean
  /** What that error says to do; absent: what helps at the step of the run. */
  readonly remedy?: string
  /** What follows on tensors with eligibility traces; absent: nothing, and the traces stay. */
  readonly plastic?: PlasticStep
}

/**
 * A plastic update of a weight matrix W with gradient g, as AdamW got it, and eligibility traces e; see `docs/plasticity.md`.
 *
 *     e ← γ·e + |g| / (‖g‖ + 1e-8)
 *     W ← W + η·(β·r·clamp(e, −1, 1) − λ·W),   r = byGradient·g + constant
 */
export interface PlasticStep {
  /** η */
  readonly plasticityLr: number
  /** γ */
  readonly gamma: number
  readonly beta: number
  /** λ */
  readonly lambdaDecay: number
  /** r, the third factor: of the weight's own gradient, or one number for all. */
  readonly thirdFactor: { readonly byGradient: number; readonly constant: number }
}

/** What a step was like. */
export interface Stepped {
  /** Global, before clipping; 0 of a step that was left out. */
  readonly gradNorm: number
  /** Whether the step was left out. */
  readonly skipped: boolean
  /** √Σe² over all traces after the step, where it was plastic. */
  readonly eligibilityNorm?: number
}

/** What to do about a number that is not finite at a step: before the first update the learning rate is not to blame. */
export const remedyAt = (step: number): string =>
  step === 1
    ? 'nothing has been learned yet, so look at the weights of the model and at the options of its task'
    : 'lower the learning rate'

/** What an optimizer keeps of a tensor: AdamW the decaying means of its gradients and of their squares; eligibility traces. */
export type OptimizerSlot = 'exp_avg' | 'exp_avg_sq' | 'eligibility'

/** A tensor itself, or what the optimizer keeps of it. */
export type Slot = 'parameter' | OptimizerSlot

/** How trained tensors are kept. */
export interface StateOptions {
  /** Whether a step has several micro-batches; it takes 20 bytes a parameter in place of 16. */
  readonly accumulate?: boolean
  /** Which tensors have eligibility traces, of 4 bytes a parameter; absent: none. */
  readonly traced?: ReadonlySet<string>
}

export interface TrainingState {
  /** The trained tensors, in the order of the graphs' inputs. */
  readonly names: readonly string[]
  shape(name: string): readonly number[]
  /** What the optimizer keeps of a tensor. */
  slots(name: string): readonly OptimizerSlot[]
  /** The tensors as graphs are fed them; a step needs no new feeds. */
  readonly parameters: Tensors
  /** `<tensor>_grad`: where the training graph writes. */
  readonly gradients: Tensors
  /** Adds the gradients to those of the step's earlier micro-batches. */
  accumulate(): Promise<void>
  /** Forgets what was accumulated, where the step it was for is not made. */
  discard(): void
  /**
   * One optimizer step from what was accumulated, which is then forgotten.
   * @throws UserError naming the first tensor whose gradient is not finite; nothing has been updated then
   */
  step(settings: OptimizerStep): Promise<Stepped>
  /** The numbers of a tensor's slot, row-major; not to be changed. */
  read(name: string, slot: Slot): Promise<Float32Array>
  write(name: string, slot: Slot, data: Float32Array): Promise<void>
  /** Frees the tensors; before it, a state is read. */
  release(): Promise<void>
}
