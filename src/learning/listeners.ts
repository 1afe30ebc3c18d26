/**
 * What a run tells while it goes on: the same records go to the log file and to whoever watches.
 * @module
 */

/** A record of a step; what is recorded before the first step is of step 0. */
export interface LogRecord {
  readonly step: number
}

/** One optimizer step. Losses in nats per labelled token. */
export interface StepRecord {
  readonly step: number
  readonly epoch: number
  readonly loss: number
  readonly grad_norm: number
  readonly learning_rate: number
  /** Real tokens of the step, without padding. */
  readonly tokens: number
  /** What the task logs beside: of equivalence and consolidation the parts of the loss, of preferences TRL's metrics. */
  readonly [metric: string]: number | readonly number[]
}

/**
 * What an evaluation measures. Which metrics there are depends on the task: `eval_perplexity`, `eval_accuracy`,
 * `eval_macro_f1`, of preferences TRL's, such as `eval_rewards/accuracies`.
 */
export interface Metrics {
  /** In nats, per labelled token, example or pair. */
  readonly eval_loss: number
  readonly [metric: `eval_${string}`]: number
}

/**
 * Whether one value of a metric is better than another: of `eval_loss` the lower one, of all others the higher one.
 */
export const isBetter = (metric: string, value: number, than: number): boolean =>
  metric === 'eval_loss' ? value < than : value > than

/** One evaluation over the validation set. */
export interface EvaluationRecord extends Metrics {
  readonly step: number
  readonly epoch: number
  /** Whether its checkpoint is the best so far. What training starts from is no checkpoint. */
  readonly best: boolean
}

export interface TrainingPlan {
  readonly totalSteps: number
  readonly fromStep: number
  /** What the best checkpoint is chosen by. */
  readonly metric: string
  /** Which stage of a curriculum it is. */
  readonly stage?: string
}

export interface Listener {
  /** While something is measured once before the first step, such as a reference. */
  preparation?(what: string, done: number, of: number): void
  /** One sentence that whoever watches should read. */
  note?(sentence: string): void
  /** Once, before the first step of this process. */
  start?(plan: TrainingPlan): void
  step?(record: StepRecord): void
  /** While responses are drawn that a step is to learn from: how many tokens there are, of at most so many. */
  responding?(at: Progress): void
  /** In an evaluation: how many of its sequences have been read. */
  evaluating?(at: Progress): void
  evaluation?(record: EvaluationRecord): void
  /** Where the run was told to stop, and stopped before its end. */
  stop?(at: StoppedAt): void
}

/** How far something is within a step. */
export interface Progress extends LogRecord {
  readonly done: number
  readonly of: number
}

export interface StoppedAt extends LogRecord {
  /** Absent before it is known. */
  readonly totalSteps?: number
}

/** Passes each sentence on once. */
export function eachOnce(note: (sentence: string) => void): (sentence: string) => void {
  const told = new Set<string>()
  return (sentence) => {
    if (!told.has(sentence)) note(sentence)
    told.add(sentence)
  }
}

/** Several as one, in their order. */
export const listenersAsOne = (listeners: readonly Listener[]): Required<Listener> => ({
  preparation: (...told) => listeners.forEach((listener) => listener.preparation?.(...told)),
  note: (sentence) => listeners.forEach((listener) => listener.note?.(sentence)),
  start: (plan) => listeners.forEach((listener) => listener.start?.(plan)),
  step: (record) => listeners.forEach((listener) => listener.step?.(record)),
  responding: (at) => listeners.forEach((listener) => listener.responding?.(at)),
  evaluating: (at) => listeners.forEach((listener) => listener.evaluating?.(at)),
  evaluation: (record) => listeners.forEach((listener) => listener.evaluation?.(record)),
  stop: (at) => listeners.forEach((listener) => listener.stop?.(at)),
})
