/**
 * What every workload reports, and how a time is turned into a ratio on a machine whose speed wanders.
 * @module
 */
import { readFileSync } from 'node:fs'

/** Repetitions before the timed ones; the peers' default too. */
export const WARMUP = 2

export interface Measurement {
  readonly name: string
  /** Median over the repetitions. */
  readonly seconds_per_step: number
  readonly all: readonly number[]
  readonly tokens_per_second: number
  /** The process's high-water mark, MiB. */
  readonly peak_rss_mb: number
  /** Matrix-product FLOP/s of the step over the sgemm ceiling measured right beside it; median of the pairs. */
  readonly of_ceiling?: number
  /** GFLOP/s, medians. */
  readonly ceiling_gflops?: number
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

/** Seconds a call takes. */
export async function timed(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await call()
  return (performance.now() - start) / 1000
}

/** The largest resident set of this process so far, MiB. */
export function peakRss(): number {
  try {
    const line = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))
    return Number(line![1]) / 1024
  } catch {
    return process.resourceUsage().maxRSS / 1024
  }
}
