import { orpo } from './orpo_case.ts'
import { describeAgainstTrl, describeGraphs } from './reference_free_cases.ts'

describeGraphs(orpo, { 'β 0.3': { beta: 0.3 }, 'β 2': { beta: 2 } })
describeAgainstTrl(orpo, ['light', 'middle', 'heavy'])
