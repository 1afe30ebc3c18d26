import { orpo } from '../graphs/orpo_case.ts'
import { describeRun, describeTraining } from './reference_free_cases.ts'

describeTraining(orpo, { beta: 0.5 })
describeRun('orpo', [
  [{ beta: 0 }, /"beta"/],
  [{ ref_model: 'other' }, /ref_model/],
])
