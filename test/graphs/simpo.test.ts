import type { SimpoLoss } from '../../graphs/losses/simpo.ts'
import { describeAgainstTrl, describeGraphs } from './reference_free_cases.ts'
import { simpo, unlikeTrl } from './simpo_case.ts'

const plain: SimpoLoss = { beta: 2, simpo_gamma: 0.5, label_smoothing: 0, cpo_alpha: 0 }

describeGraphs(simpo, {
  plain,
  'without a margin': { ...plain, simpo_gamma: 0 },
  smoothed: { ...plain, label_smoothing: 0.2 },
  'with the likelihood of the chosen answer': { ...plain, cpo_alpha: 0.7 },
})
describeAgainstTrl(simpo, ['plain', 'wide', 'without_margin', 'smoothed', 'with_likelihood'], unlikeTrl)
