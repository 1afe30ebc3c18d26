import { simpo } from '../graphs/simpo_case.ts'
import { describeRun, describeTraining } from './reference_free_cases.ts'

describeTraining(simpo, { beta: 2, simpo_gamma: 0.5, label_smoothing: 0, cpo_alpha: 0.5 })
describeRun('simpo', [
  [{ beta: 0 }, /"beta"/],
  [{ simpo_gamma: -1 }, /"simpo_gamma"/],
  [{ label_smoothing: 0.5 }, /"label_smoothing"/],
  [{ gamma: 1 }, /"gamma"/],
])
