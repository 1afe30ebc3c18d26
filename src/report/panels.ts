/**
 * What is drawn of a log.
 * @module
 */
import type { Panel, Task } from '../tasks/task.ts'

export type DrawnTask = Pick<Task, 'curves' | 'comparableLoss' | 'step'>

/** The loss, which every log has; whether evaluations have the same. */
const lossPanel = (comparable: boolean): Panel =>
  comparable
    ? { title: 'loss (nats)', curves: { training: 'loss', validation: 'eval_loss' } }
    : { title: 'loss', curves: { training: 'loss' } }

const STEPPING: readonly Panel[] = [
  { title: 'norm of the gradients, before clipping', curves: { training: 'grad_norm' } },
  { title: 'norm of the eligibility traces', curves: { training: 'plastic/eligibility_norm' } },
  { title: 'learning rate', curves: { 'learning rate': 'learning_rate' } },
]

/** The loss, what else a task logs, and how its steps are taken; the log may lack some of it. */
export const panelsOf = ({ curves = [], comparableLoss }: DrawnTask): readonly Panel[] => [
  lossPanel(comparableLoss !== false),
  ...curves,
  ...STEPPING,
]

/** What a step of it is. */
export const stepOf = ({ step = 'optimizer step' }: DrawnTask): string => step
