/** @module */
import type { SimpoLoss } from '../../graphs/losses/simpo.ts'
import { simpoEvaluationGraph, simpoTrainingGraph } from '../../graphs/tasks/simpo.ts'
import { simpoLearns } from '../../src/tasks/simpo.ts'
import type { Case } from './reference_free_cases.ts'

/** SimPO, as tests of tasks without a reference take it. */
export const simpo: Case<SimpoLoss> = {
  name: 'simpo',
  learns: simpoLearns,
  training: (model, options) => simpoTrainingGraph({ ...model, simpo: options }),
  evaluation: (model, options) => simpoEvaluationGraph({ ...model, simpo: options }),
}

/** TRL says nothing of the likelihood where the loss has none: its `nll_loss` is 0 then. */
export const unlikeTrl = ({ cpo_alpha }: Pick<SimpoLoss, 'cpo_alpha'>): readonly string[] =>
  cpo_alpha === 0 ? ['nll_loss'] : []
