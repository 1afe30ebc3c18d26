/**
 * The graphs of odds ratio preference optimization.
 * @module
 */
import type { Graph } from '../ir/graph.ts'
import type { OrpoLoss } from '../losses/orpo.ts'
import { oddsRatio } from '../losses/orpo.ts'
import { weightedSum } from '../losses/weighted_sum.ts'
import { mul, sub } from '../ops/index.ts'
import type { PairModel } from './pairs.ts'
import type { ReferenceFreeLoss } from './reference_free.ts'
import { referenceFreeEvaluationGraph, referenceFreeTrainingGraph } from './reference_free.ts'

export interface OrpoTask extends PairModel {
  readonly orpo: OrpoLoss
}

/**
 * loss = nll − β·Σ pair_weights·log σ(z), see {@link referenceFreeEvaluationGraph}. `likelihood_weights` are those of the chosen
 * sequences, prompt and answer. Of each pair come out `log_odds_chosen`, z, and `log_odds_ratio`, log σ(z): TRL's names. And
 * `<tensor>_grad`.
 */
export const orpoTrainingGraph = (task: OrpoTask): Graph => referenceFreeTrainingGraph(task, loss(task))

/** The same without gradients. */
export const orpoEvaluationGraph = (task: OrpoTask): Graph => referenceFreeEvaluationGraph(task, loss(task))

const loss = ({ orpo: { beta } }: OrpoTask): ReferenceFreeLoss => ({
  name: 'orpo',
  formula: 'loss = nll_loss − β·Σ pair_weights·log σ(z)',
  beta,
  build({ logps, nll, pairWeights }) {
    const { logOdds, logRatio } = oddsRatio(logps)
    return {
      loss: sub(nll, mul(weightedSum(logRatio, pairWeights), beta)),
      perPair: {
        log_odds_ratio: { value: logRatio, doc: 'log σ(z) of each pair' },
        log_odds_chosen: { value: logOdds, doc: 'z, the logarithm of the odds ratio of each pair' },
      },
    }
  },
})
