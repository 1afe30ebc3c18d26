/** @module */
import type { OrpoLoss } from '../../graphs/losses/orpo.ts'
import { orpoEvaluationGraph, orpoTrainingGraph } from '../../graphs/tasks/orpo.ts'
import { orpoLearns } from '../../src/tasks/orpo.ts'
import type { Case } from './reference_free_cases.ts'

/** ORPO, as tests of tasks without a reference take it. */
export const orpo: Case<OrpoLoss> = {
  name: 'orpo',
  learns: orpoLearns,
  training: (model, options) => orpoTrainingGraph({ ...model, orpo: options }),
  evaluation: (model, options) => orpoEvaluationGraph({ ...model, orpo: options }),
}
