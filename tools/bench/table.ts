/** @module */
import { textTable } from '../../src/report/text_table.ts'
import type { Measurement } from './measure.ts'
import { median } from './measure.ts'

export interface Comparison {
  readonly name: string
  readonly ortune: Measurement
  /** A LoRA step of the same rank and shape, in the same turns. */
  readonly lora?: Measurement
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
    '× LoRA',
    'PyTorch tok/s',
    'MiB',
    'speed ×',
    'memory ×',
  ]
  const rows = results.map(({ name, ortune, lora, pytorch }) => [
    name,
    (1000 * ortune.seconds_per_step).toFixed(1),
    ortune.tokens_per_second.toFixed(1),
    ortune.peak_rss_mb.toFixed(0),
    ortune.of_ceiling?.toFixed(2) ?? '',
    lora ? timeRatio(ortune, lora).toFixed(2) : '',
    pytorch?.tokens_per_second.toFixed(1) ?? '',
    pytorch?.peak_rss_mb.toFixed(0) ?? '',
    pytorch ? timeRatio(pytorch, ortune).toFixed(2) : '',
    pytorch ? (ortune.peak_rss_mb / pytorch.peak_rss_mb).toFixed(2) : '',
  ])
  return textTable([header, ...rows])
}

/** How many times as long `slow` takes for a token as `fast` does in its turn beside it: the median over the rounds. */
const timeRatio = (slow: Measurement, fast: Measurement): number =>
  (tokensPerStep(fast) / tokensPerStep(slow)) *
  median(slow.all.map((seconds, round) => seconds / fast.all[round]!))

const tokensPerStep = ({ tokens_per_second, seconds_per_step }: Measurement): number =>
  tokens_per_second * seconds_per_step

export interface Phase1Memory {
  readonly rank: number
  readonly tokens: number
  /** What a step takes beside the weights. */
  readonly growth_mb: number
}

/** By rank and tokens what a step of phase 1 takes, beside what the tokens' matrices ΔW would in one block. */
export function phase1MemoryTable(rows: readonly Phase1Memory[]): string {
  if (rows.length === 0) return ''
  const header = ['phase 1, rank', 'tokens', 'MiB beside weights', 'KiB/token', 'KiB of one ΔW']
  const matrix = (4 * 768 * 3072) / 1024
  return textTable([
    header,
    ...rows.map(({ rank, tokens, growth_mb }) => [
      String(rank),
      String(tokens),
      growth_mb.toFixed(1),
      ((1024 * growth_mb) / tokens).toFixed(0),
      matrix.toFixed(0),
    ]),
  ])
}
