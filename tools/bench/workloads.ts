/**
 * What `npm run bench` times step by step.
 * @module
 */
import { TRL_TRAINERS } from './peers.ts'

/** Tokens of a row. */
const LENGTH = '128'

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

/** What is measured for the sake of memory, by a table of its own. */
export const isMemory = ({ name }: { readonly name: string }): boolean => name.startsWith('memory-')

/** @param steps timed repetitions, as an argument */
export const workloads = (steps: string): readonly Workload[] => [
  ...stepWorkloads(steps),
  // A step on 4 × 512 tokens takes as long as several others.
  ...(process.platform === 'linux' ? memoryWorkloads(String(Math.ceil(Number(steps) / 3))) : []),
]

/** A LoRA step with what saves memory, beside one without; and either beside PyTorch's. */
function memoryWorkloads(steps: string): Workload[] {
  const ours = (artifacts: string, length: number) => ['training.ts', artifacts, '1', `${length}`, steps]
  const peer = (length: number, ...more: string[]) => [
    'lora.py',
    ...['--length', `${length}`, '--steps', steps],
    ...more,
  ]
  const beside = { plain: ours('lora', 512), repeats: Number(steps) }
  return [
    {
      name: 'memory-checkpointing',
      ours: ours('lora-checkpointing', 512),
      peer: peer(512, '--checkpointing'),
      ...beside,
    },
    ...['bf16', 'int4'].map((base) => ({
      name: `memory-${base}`,
      ours: ours(`lora-${base}`, 512),
      ...beside,
    })),
    ...[128, 512].map((length) => ({
      name: `memory-4x${length}`,
      ours: ours('lora', length),
      peer: peer(length),
      repeats: Number(steps),
    })),
  ]
}

const stepWorkloads = (steps: string): readonly Workload[] => [
  ...['1', '0.25'].flatMap((share) =>
    ['lora', 'full'].map((kind) => ({
      name: `${kind}-labels-${share}`,
      ours: ['training.ts', kind, share, LENGTH, steps],
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
    plain: ['training.ts', 'lora-16', '1', LENGTH, steps],
    repeats: Number(steps),
  })),
  ...['lora', 'full'].map((kind) => ({
    name: `plastic-${kind}`,
    ours: ['training.ts', kind, '1', LENGTH, steps, 'plastic'],
    plain: ['training.ts', kind, '1', LENGTH, steps],
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
