/**
 * What a run reports while it goes on: the same records go to the log file and to whoever watches.
 * @module
 */

/** One optimizer step. Losses in nats per labelled token. */
export interface StepRecord {
  readonly step: number
  readonly epoch: number
  readonly loss: number
  readonly grad_norm: number
  readonly learning_rate: number
  /** Real tokens of the step, without padding. */
  readonly tokens: number
  /** Of phase 1, by plastic block: the squared error, and (‖A‖_F + ‖B‖_F)/2. */
  readonly equivalence?: readonly number[]
  readonly low_magnitude?: readonly number[]
  /** Of phase 1 with distillation: KL(teacher‖student) per token. */
  readonly distillation?: readonly number[]
  /** Of phase 3, per labelled token: nll without an update and under the text's own, KL under another text's. */
  readonly before?: readonly number[]
  readonly after?: readonly number[]
  readonly damage?: readonly number[]
}

/** What an evaluation measures; which of them depends on the task. */
export interface Metrics {
  /** In nats, per labelled token or per example. */
  readonly eval_loss: number
  /** exp(eval_loss), per token. */
  readonly eval_perplexity?: number
  /** Share of the examples whose likeliest class is the right one. */
  readonly eval_accuracy?: number
  /** Mean over the classes of the harmonic mean of precision and recall. */
  readonly eval_macro_f1?: number
}

/** One evaluation over the validation set. */
export interface EvaluationRecord extends Metrics {
  readonly step: number
  readonly epoch: number
  /** Whether it is the best so far. */
  readonly best: boolean
}

export interface Watcher {
  /** Once, before the first step of this process. */
  start?(plan: { readonly totalSteps: number; readonly fromStep: number }): void
  step?(record: StepRecord): void
  evaluation?(record: EvaluationRecord): void
}
