/**
 * The graphs of simple preference optimization.
 * @module
 */
import type { Graph } from '../ir/graph.ts'
import type { SimpoLoss } from '../losses/simpo.ts'
import { simpoLoss } from '../losses/simpo.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import { add, mul } from '../ops/index.ts'
import type { PairModel } from './pairs.ts'
import type { ReferenceFreeLoss } from './reference_free.ts'
import { referenceFreeEvaluationGraph, referenceFreeTrainingGraph } from './reference_free.ts'

export interface SimpoTask extends PairModel {
  readonly simpo: SimpoLoss
}

/**
 * loss = Σ pair_weights·loss of the pair + α·nll, see {@link referenceFreeEvaluationGraph}. `likelihood_weights` are those of the
 * chosen answers. And `<tensor>_grad`.
 */
export const simpoTrainingGraph = (task: SimpoTask): Graph => referenceFreeTrainingGraph(task, loss(task))

/** The same without gradients. */
export const simpoEvaluationGraph = (task: SimpoTask): Graph => referenceFreeEvaluationGraph(task, loss(task))

const loss = ({ simpo }: SimpoTask): ReferenceFreeLoss => ({
  name: 'simpo',
  formula: 'loss = Σ pair_weights·loss of the pair + cpo_alpha·nll_loss',
  beta: simpo.beta,
  build({ logps, nll, pairWeights }) {
    const preference = weightedSum(simpoLoss(logps, simpo), pairWeights)
    return { loss: simpo.cpo_alpha === 0 ? preference : add(preference, mul(nll, simpo.cpo_alpha)) }
  },
})
