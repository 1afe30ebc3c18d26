/** @module */
import { textTable } from '../../src/report/text_table.ts'
import type { Measurement } from './measure.ts'
import { median } from './measure.ts'

export interface Comparison {
  readonly name: string
  readonly ortune: Measurement
  readonly pytorch?: Measurement
}

/** The results as an aligned table: per workload the time, speed and memory of each side, and their ratios. */
export function comparison(results: readonly Comparison[]): string {
  const header = [
    'workload',
    'ms/step',
    'tok/s',
    'peak MiB',
    'of sgemm',
    'PyTorch tok/s',
    'MiB',
    'speed ×',
    'memory ×',
  ]
  const rows = results.map(({ name, ortune, pytorch }) => [
    name,
    (1000 * ortune.seconds_per_step).toFixed(1),
    ortune.tokens_per_second.toFixed(1),
    ortune.peak_rss_mb.toFixed(0),
    ortune.of_ceiling?.toFixed(2) ?? '',
    pytorch?.tokens_per_second.toFixed(1) ?? '',
    pytorch?.peak_rss_mb.toFixed(0) ?? '',
    pytorch ? speedRatio(ortune, pytorch).toFixed(2) : '',
    pytorch ? (ortune.peak_rss_mb / pytorch.peak_rss_mb).toFixed(2) : '',
  ])
  return textTable([header, ...rows])
}

/** The median over the rounds of how much longer the peer took in its turn right after ours. */
const speedRatio = (ortune: Measurement, pytorch: Measurement): number =>
  median(ortune.all.map((seconds, round) => pytorch.all[round]! / seconds))
