/**
 * How far plastic blocks are from the model's own, measured over a data set.
 * @module
 */
import type { Watch } from '../data/batches/batches.ts'
import { sequentialBatches } from '../data/batches/batches.ts'
import { collateTokens } from '../data/batches/collate.ts'
import type { EncodedExample } from '../data/examples/encode.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import type { Feeds, HostTensor, Session, Tensors } from '../runtime/session.ts'

/** {@link collateTokens}, and token_weights: float32 [batch, sequence], 1/total at tokens and 0 at padding. */
export function collateWeighted(sequences: readonly (readonly EncodedExample[])[], total: number): Feeds {
  const { feeds } = collateTokens(sequences)
  const { dims, data } = feeds['attention_mask']!
  const weights = Float32Array.from(data as BigInt64Array, (number) => (number > 0n ? 1 / total : 0))
  return { ...feeds, token_weights: { dtype: 'float32', dims, data: weights } }
}

export interface EquivalenceEvaluation {
  readonly loss: number
  /** Mean over the tokens, by plastic block: squared error per feature, cosine of the outputs. */
  readonly mse: readonly number[]
  readonly cosine: readonly number[]
  /** (‖A‖_F + ‖B‖_F)/2 by plastic block. */
  readonly magnitude: readonly number[]
  /** KL(teacher‖student) per token in nats, where the loss has it. */
  readonly distillation: number | null
  /** ‖ΔW‖_F of every token, by plastic block. */
  readonly updateNorms: readonly Float32Array[]
}

/** Runs the evaluation graph over every row, in order. */
export async function evaluateEquivalence(
  session: Session,
  parameters: Tensors,
  dataset: DataSet,
  batchSize: number,
  watch?: Watch,
): Promise<EquivalenceEvaluation> {
  const total = dataset.lengths.reduce((sum, length) => sum + length, 0)
  const sums: Record<string, number[]> = {}
  const norms: number[][] = []
  for (const { sequences } of sequentialBatches(dataset, { batchSize, watch })) {
    const feeds = collateWeighted(sequences, total)
    const { update_norms, ...terms } = await session.run({ ...feeds, ...parameters })
    for (const [name, { data }] of Object.entries(terms)) {
      const before = sums[name] ?? new Array<number>(data.length).fill(0)
      sums[name] = before.map((value, i) => value + Number(data[i]))
    }
    collectNorms(norms, update_norms!, feeds['token_weights']!.data as Float32Array)
  }
  return {
    loss: sums['loss']![0]!,
    mse: sums['equivalence']!,
    cosine: sums['cosine']!,
    magnitude: sums['low_magnitude']!,
    distillation: sums['distillation']?.[0] ?? null,
    updateNorms: norms.map((values) => Float32Array.from(values)),
  }
}

/** Adds a batch's norms [plastic blocks, batch*sequence], but those of padding. */
function collectNorms(norms: number[][], { dims, data }: HostTensor, weights: Float32Array): void {
  const [blocks, tokens] = dims as [number, number]
  for (let block = 0; block < blocks; block++) {
    const values = (norms[block] ??= [])
    for (let token = 0; token < tokens; token++)
      if (weights[token]! > 0) values.push(data[block * tokens + token] as number)
  }
}
