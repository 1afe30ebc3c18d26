/**
 * What every workload reports, and how a time is turned into a ratio on a machine whose speed wanders.
 * @module
 */
import { readFileSync } from 'node:fs'

import type { StepMemory } from './memory.ts'

/** Repetitions before the timed ones; the peers' default too. */
export const WARMUP = 2
/** The same of PPO, whose updates take as long as ten steps of other workloads. */
export const UPDATE_WARMUP = 1

export interface Measurement extends Partial<StepMemory> {
  readonly name: string
  /** Median over the repetitions. */
  readonly seconds_per_step: number
  readonly all: readonly number[]
  readonly tokens_per_second: number
  /** The process's high-water mark, MiB. */
  readonly peak_rss_mb: number
  /** Of a peer: what was in memory when its model had been loaded and nothing had run, MiB. */
  readonly loaded_rss_mb?: number
  /** Matrix-product FLOP/s of the step over the sgemm ceiling measured right beside it; median of the pairs. */
  readonly of_ceiling?: number
  /** GFLOP/s, medians. */
  readonly ceiling_gflops?: number
}

/** Seconds of an update's parts, medians. */
export interface UpdateParts {
  readonly generate: number
  readonly forward: number
  readonly optimize: number
}

export interface PpoMeasurement extends Measurement, UpdateParts {
  /** Of an update's time, inside ONNX Runtime. */
  readonly session_share: number
  /** The most memory that belonged to no file, MiB; `peak_rss_mb` is this and each file once. */
  readonly own_mb: number
  /** The weight file's part of memory, MiB. */
  readonly weights_mb: number
  /** The weight file, MiB. */
  readonly base_mb: number
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
