/**
 * Causal language modelling as a supervised task: the mean negative log-likelihood of the labelled tokens.
 * @module
 */
import type { ArrowDataset } from '../data/sets/arrow_reader.ts'
import { sequentialBatches } from '../data/batches/batches.ts'
import { collate, totalLabelled } from '../data/batches/collate.ts'
import type { Feeds, Session } from '../runtime/session.ts'
import type { Objective } from '../learning/gradient_descent.ts'

/** The step's loss is a mean over all its labelled tokens, however it is cut into micro-batches. */
export const causalLmObjective: Objective = {
  weight: totalLabelled,
  feeds: (sequences, { total }) => collate(sequences, { total }),
}

export interface CausalLmEvaluation {
  /** Mean negative log-likelihood per labelled token, in nats. */
  readonly loss: number
  /** exp(loss). */
  readonly perplexity: number
  readonly labelledTokens: number
}

/**
 * Runs the evaluation graph over every row, in order.
 *
 * @param parameters the trainable tensors, and `lora_scale` where the graph has it
 */
export async function evaluateCausalLm(
  session: Session,
  parameters: Feeds,
  dataset: ArrowDataset,
  batchSize: number,
): Promise<CausalLmEvaluation> {
  let sum = 0
  let labelledTokens = 0
  for (const { sequences } of sequentialBatches(dataset, { batchSize })) {
    const labelled = totalLabelled(sequences.flat())
    if (labelled === 0) continue
    const { loss } = await session.run(
      { ...collate(sequences, { total: labelled }), ...parameters },
      { outputs: ['loss'] },
    )
    sum += labelled * (loss!.data[0] as number)
    labelledTokens += labelled
  }
  const loss = sum / labelledTokens
  return { loss, perplexity: Math.exp(loss), labelledTokens }
}
