/**
 * What `npm run bench` times step by step.
 * @module
 */
import { TRL_TRAINERS } from './peers.ts'

export interface Workload {
  readonly name: string
  readonly ours: readonly string[]
  readonly peer?: readonly string[]
  /** The same without what is new about it, in the same turns. */
  readonly plain?: readonly string[]
  /** Timed repetitions. */
  readonly repeats: number
  /** What Python must be able to import for the peer, beside PyTorch, transformers and PEFT. */
  readonly imports?: string
  /** Whether it is measured for the peer's sake. */
  readonly needsPeer?: boolean
}

/** @param steps timed repetitions, as an argument */
export const workloads = (steps: string): readonly Workload[] => [
  ...['1', '0.25'].flatMap((share) =>
    ['lora', 'full'].map((kind) => ({
      name: `${kind}-labels-${share}`,
      ours: ['training.ts', kind, share, steps],
      peer: [`${kind}.py`, '--labels', share, '--steps', steps],
      repeats: Number(steps),
    })),
  ),
  ...['1', '8'].map((batch) => ({
    name: `generate-batch-${batch}`,
    ours: ['decoding.ts', 'lora', batch, steps],
    peer: ['generate.py', '--batch', batch, '--steps', steps],
    repeats: Number(steps),
  })),
  ...['dpo', 'reward'].map((task) => ({
    name: task,
    ours: ['preferences.ts', task, steps],
    peer: [`${task}.py`, '--steps', steps],
    imports: TRL_TRAINERS,
    repeats: Number(steps),
  })),
  ...['upper_half', 'all'].map((layers) => ({
    name: `npt-phase1-${layers}`,
    ours: ['npt.ts', 'lora', layers, steps],
    peer: ['npt.py', '--layers', layers, '--steps', steps],
    plain: ['training.ts', 'lora-16', '1', steps],
    repeats: Number(steps),
  })),
  ...['lora', 'full'].map((kind) => ({
    name: `plastic-${kind}`,
    ours: ['training.ts', kind, '1', steps, 'plastic'],
    plain: ['training.ts', kind, '1', steps],
    repeats: Number(steps),
  })),
  {
    // The loop takes so long for each token that it gets a few only.
    name: 'npt-phase1-upper_half-loop',
    ours: ['npt.ts', 'lora', 'upper_half', '2'],
    peer: ['npt.py', '--kind', 'loop', '--batch', '1', '--length', '8', '--steps', '2'],
    repeats: 2,
    needsPeer: true,
  },
]
