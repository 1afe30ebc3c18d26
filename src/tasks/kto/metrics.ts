/** @module */
import type { Batch } from '../../data/batches/batches.ts'
import { countLabelled } from '../../data/examples/encode.ts'
import type { HostTensor } from '../../runtime/session.ts'

const KINDS = [
  { name: 'chosen', desirable: true },
  { name: 'rejected', desirable: false },
] as const

type Name = `${'rewards' | 'logps' | 'logits'}/${'chosen' | 'rejected'}` | 'rewards/margins'

/** Under TRL's names; of a kind of which there is no row, nothing. */
export type KtoMetrics = Readonly<Partial<Record<Name, number>>>

/**
 * What is logged of desirable rows (`chosen`) and undesirable ones (`rejected`):
 *
 * rewards: mean r̂; margins: the difference of both; logps: mean log π(y | x); logits: mean over all entries of the vocabulary
 * at all tokens of the answers.
 *
 * @param outputs `rewards`, `logps`, `logits` of the rows, [rows], in one or more parts
 */
export function ktoMetrics(
  outputs: readonly Readonly<Record<string, HostTensor>>[],
  rows: Batch['sequences'],
): KtoMetrics {
  const valuesOf = (name: string) =>
    outputs.flatMap((output) => Array.from(output[name]!.data as Float32Array))
  const [rewards, logps, logits] = [valuesOf('rewards'), valuesOf('logps'), valuesOf('logits')]
  const metrics: Partial<Record<Name, number>> = {}
  for (const { name, desirable } of KINDS) {
    const sums = { rows: 0, tokens: 0, rewards: 0, logps: 0, logits: 0 }
    for (const [i, [row]] of rows.entries()) {
      if (row!.desirable !== desirable) continue
      const tokens = countLabelled(row!)
      sums.rows++
      sums.tokens += tokens
      sums.rewards += rewards[i]!
      sums.logps += logps[i]!
      sums.logits += tokens * logits[i]!
    }
    if (sums.rows === 0) continue
    metrics[`rewards/${name}`] = sums.rewards / sums.rows
    metrics[`logps/${name}`] = sums.logps / sums.rows
    metrics[`logits/${name}`] = sums.logits / sums.tokens
  }
  const { 'rewards/chosen': chosen, 'rewards/rejected': rejected } = metrics
  if (chosen === undefined || rejected === undefined) return metrics
  return { ...metrics, 'rewards/margins': chosen - rejected }
}
