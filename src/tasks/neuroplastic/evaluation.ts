/**
 * How good a model is by the data, as for sft, and by what it writes to the data's prompts.
 * @module
 */
import type { Watch } from '../../data/batches/batches.ts'
import { sequentialBatches } from '../../data/batches/batches.ts'
import type { DataSet } from '../../data/sets/data_set.ts'
import type { Prompt, Response } from '../../learning/rollouts.ts'
import { moments } from '../../metrics/moments.ts'
import type { RewardFunction } from '../../rewards/reward_function.ts'
import type { Session, Tensors } from '../../runtime/session.ts'
import { look, measure } from './measures.ts'
import type { NeuroplasticOptions } from './options.ts'
import { sampledCosts, SAMPLED_TERMS, TERMS, termWeights } from './terms.ts'

/** Of greedy responses. */
export interface ResponseFigures {
  /** Mean tokens, the end included. */
  readonly length: number
  /** Mean cosine between the mean last hidden states of prompt and response. */
  readonly cosine: number
  /** Mean entropy of the next token over all tokens, in nats. */
  readonly entropy: number
  /** Means over the responses whose prompts have references, 0 … 1; undefined where none has. */
  readonly bleu?: number
  readonly meteor?: number
}

/** Mean negative log-likelihood per labelled token, in nats, over every row. */
export async function evaluateLikelihood(
  session: Session,
  parameters: Tensors,
  dataset: DataSet,
  batchSize: number,
  watch?: Watch,
): Promise<{ readonly loss: number; readonly perplexity: number; readonly labelledTokens: number }> {
  let sum = 0
  let labelledTokens = 0
  for (const { sequences } of sequentialBatches(dataset, { batchSize, watch })) {
    const { nll } = await look(session, parameters, sequences.flat())
    sum += nll.reduce((total, x) => total + x, 0)
    labelledTokens += nll.length
  }
  const loss = sum / labelledTokens
  return { loss, perplexity: Math.exp(loss), labelledTokens }
}

export interface ResponseEvaluation {
  readonly figures: ResponseFigures
  /** −R of the responses, as training has it; the higher the better. */
  readonly reward: number
}

/**
 * @param prompts at least one
 * @param write greedy responses to some of them
 * @param reward the user's own, where it is to be in R
 */
export async function evaluateResponses(
  session: Session,
  parameters: Tensors,
  prompts: readonly Prompt[],
  {
    write,
    options,
    reward,
    batchSize,
    watch,
  }: {
    readonly write: (prompts: readonly Prompt[]) => Promise<readonly Response[]>
    readonly options: NeuroplasticOptions
    readonly reward: RewardFunction | undefined
    readonly batchSize: number
    readonly watch?: Watch
  },
): Promise<ResponseEvaluation> {
  const lengths: number[] = []
  const cosines: number[] = []
  const entropies: number[] = []
  const bleus: number[] = []
  const meteors: number[] = []
  const costs: Record<(typeof SAMPLED_TERMS)[number], number[]> = { length: [], reference: [], reward: [] }
  for (let first = 0; first < prompts.length; first += batchSize) {
    watch?.(first, prompts.length)
    const responses = await write(prompts.slice(first, first + batchSize))
    const seen = await measure(session, parameters, responses)
    for (const [i, cost] of (await sampledCosts(responses, options, reward)).entries()) {
      const { cosine, entropies: own, overlap: found } = seen[i]!
      lengths.push(responses[i]!.tokens.length)
      cosines.push(cosine)
      entropies.push(...own)
      if (found) {
        bleus.push(found.bleu)
        meteors.push(found.meteor)
      }
      for (const name of SAMPLED_TERMS) if (cost[name] !== undefined) costs[name].push(cost[name])
    }
  }
  const mean = (values: readonly number[]) => moments(values).mean
  const [length, cosine, entropy] = [mean(lengths), mean(cosines), mean(entropies)]
  const sampled = Object.fromEntries(
    SAMPLED_TERMS.map((name) => [name, costs[name].length > 0 ? mean(costs[name]) : 0]),
  ) as Record<(typeof SAMPLED_TERMS)[number], number>
  const values = { ...sampled, semantic: 1 - cosine, entropy: -entropy }
  const weights = termWeights(options)
  return {
    figures: {
      ...{ length, cosine, entropy },
      ...(bleus.length > 0 ? { bleu: mean(bleus), meteor: mean(meteors) } : {}),
    },
    reward: -TERMS.reduce((sum, name) => sum + weights[name] * values[name], 0),
  }
}
