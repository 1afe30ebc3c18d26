/**
 * The mean loss of a model over a data set.
 * @module
 */
import type { ArrowDataset } from '../data/arrow_reader.ts'
import { sequentialBatches } from '../data/batches.ts'
import { collate, totalLabelled } from '../data/collate.ts'
import type { Feeds, Session } from '../runtime/session.ts'

export interface Evaluation {
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
export async function evaluateLoss(
  session: Session,
  parameters: Feeds,
  dataset: ArrowDataset,
  batchSize: number,
): Promise<Evaluation> {
  let sum = 0
  let labelledTokens = 0
  for (const { examples } of sequentialBatches(dataset, { batchSize })) {
    const labelled = totalLabelled(examples)
    if (labelled === 0) continue
    const { loss } = await session.run(
      { ...collate(examples, { total: labelled }), ...parameters },
      { outputs: ['loss'] },
    )
    sum += labelled * (loss!.data[0] as number)
    labelledTokens += labelled
  }
  const loss = sum / labelledTokens
  return { loss, perplexity: Math.exp(loss), labelledTokens }
}
