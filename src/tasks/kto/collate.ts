/** @module */
import type { Batch } from '../../data/batches/batches.ts'
import { collate, int64 } from '../../data/batches/collate.ts'
import { countLabelled } from '../../data/examples/encode.ts'
import type { Feeds } from '../../runtime/session.ts'

export interface CollateUnpairedOptions {
  /** log π_ref of each row's answer. */
  readonly reference: Float32Array
  /** z₀ */
  readonly kl: number
  /** Rows of the whole optimizer step. */
  readonly total: number
}

/**
 * Answers that are judged by themselves to the inputs of KTO's graphs: the tokens and labels of {@link collate}, and
 *
 * label_rows: int64 [labelled], the row of each label; reference_logps, desirable (1 or 0): float32 [rows]; kl: float32, a
 * scalar; row_weights: float32 [rows], each 1/total.
 */
export function collateUnpaired(
  rows: Batch['sequences'],
  { reference, kl, total }: CollateUnpairedOptions,
): Feeds {
  const { input_ids, attention_mask, position_ids, label_positions, labels } = collate(rows, { total })
  const rowOfLabel = rows.flatMap(([row], b) => new Array<number>(countLabelled(row!)).fill(b))
  const labelRows = int64([rowOfLabel.length])
  rowOfLabel.forEach((row, i) => labelRows.set(i, row))
  const perRow = (data: Float32Array) => ({ dtype: 'float32' as const, dims: [rows.length], data })
  return {
    ...{ input_ids: input_ids!, attention_mask: attention_mask!, position_ids: position_ids! },
    ...{ label_positions: label_positions!, labels: labels!, label_rows: labelRows.tensor },
    reference_logps: perRow(reference),
    desirable: perRow(Float32Array.from(rows, ([row]) => Number(row!.desirable ?? false))),
    kl: { dtype: 'float32', dims: [], data: Float32Array.of(kl) },
    row_weights: perRow(new Float32Array(rows.length).fill(1 / total)),
  }
}
