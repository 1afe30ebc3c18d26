/** @module */
import { textTable } from '../../src/metrics/text_table.ts'
import type { Measurement, PpoMeasurement, UpdateParts } from './measure.ts'
import { median } from './measure.ts'

export interface Comparison {
  readonly name: string
  readonly ortune: Measurement
  /** A step of the same shape without what is new about this one, in the same turns. */
  readonly plain?: Measurement
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
    '× plain',
    'PyTorch tok/s',
    'MiB',
    'speed ×',
    'memory ×',
  ]
  const rows = results.map(({ name, ortune, plain, pytorch }) => [
    name,
    (1000 * ortune.seconds_per_step).toFixed(1),
    ortune.tokens_per_second.toFixed(1),
    ortune.peak_rss_mb.toFixed(0),
    ortune.of_ceiling?.toFixed(2) ?? '',
    plain ? timeRatio(ortune, plain).toFixed(2) : '',
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

/** What a LoRA step takes, each figure beside that of another step in the same turns: `ours / other = ratio`. */
export function memoryTable(results: readonly Comparison[]): string {
  if (results.length === 0) return ''
  const line = (name: string, of: Measurement, other: Measurement, time: number) => {
    const pair = (a: number | undefined, b: number | undefined, digits = 0) =>
      a === undefined || b === undefined
        ? ''
        : `${a.toFixed(digits)} / ${b.toFixed(digits)} = ${(a / b).toFixed(2)}`
    return [
      name,
      pair(of.weights_mb, other.weights_mb),
      pair(aboveWeights(of), aboveWeights(other)),
      pair(of.peak_rss_mb, other.peak_rss_mb),
      `${of.seconds_per_step.toFixed(1)} / ${other.seconds_per_step.toFixed(1)} = ${time.toFixed(2)}`,
    ]
  }
  return textTable([
    ['LoRA step / other', 'weights MiB', 'above them', 'peak', 's/step'],
    ...results.flatMap(({ name, ortune, plain, pytorch }) => [
      ...(plain ? [line(`${name} / plain`, ortune, plain, timeRatio(ortune, plain))] : []),
      ...(pytorch ? [line(`${name} / PyTorch`, ortune, pytorch, timeRatio(ortune, pytorch))] : []),
    ]),
  ])
}

/** The peak above the weights and what the process was before it had any. */
const aboveWeights = ({ above_mb, peak_rss_mb, loaded_rss_mb }: Measurement): number | undefined =>
  above_mb ?? (loaded_rss_mb === undefined ? undefined : peak_rss_mb - loaded_rss_mb)

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

/** Updates of PPO, with the base model's weights where they lie and copied for each session, in the same turns. */
export interface PpoComparison {
  readonly mapped: PpoMeasurement
  readonly prepacked: PpoMeasurement
  readonly trl?: Measurement & UpdateParts
}

/** Times of an update and its parts in seconds, memory in MiB. */
export function ppoTable({ mapped, prepacked, trl }: PpoComparison): string {
  const header = ['PPO', 's/update', 'generate', 'forward', 'optimize', 'in sessions']
  const memory = ['own MiB', 'weights MiB', 'all MiB', 'TRL speed ×', 'memory ×']
  const times = (of: Measurement & UpdateParts) =>
    [of.seconds_per_step, of.generate, of.forward, of.optimize].map((seconds) => seconds.toFixed(1))
  const ours = (name: string, of: PpoMeasurement) => [
    name,
    ...times(of),
    of.session_share.toFixed(2),
    of.own_mb.toFixed(0),
    `${of.weights_mb.toFixed(0)} of ${of.base_mb.toFixed(0)}`,
    of.peak_rss_mb.toFixed(0),
    trl ? timeRatio(trl, of).toFixed(2) : '',
    trl ? (of.peak_rss_mb / trl.peak_rss_mb).toFixed(2) : '',
  ]
  return textTable([
    [...header, ...memory],
    ours('default', mapped),
    ours('prepacking: true', prepacked),
    ...(trl ? [['TRL', ...times(trl), '', '', '', trl.peak_rss_mb.toFixed(0), '', '']] : []),
  ])
}
