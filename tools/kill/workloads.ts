/**
 * Small runs that are killed.
 * @module
 */
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

const words = ['fox', 'hen', 'owl', 'elk', 'bee', 'cat', 'dog', 'ant'] as const
const kinds = ['red', 'old', 'shy', 'big'] as const

/** Rows of a split, all different. */
const rows = (split: string, repetitions: number) =>
  words.flatMap((word) =>
    kinds.flatMap((kind) =>
      Array.from({ length: repetitions }, (_, n) => ({
        split,
        prompt: `Word: ${kind} ${word} ${n} ;`,
        chosen: ` a ${kind} animal called ${word} ${n}<|endoftext|>`,
        rejected: ` no ${word}<|endoftext|>`,
        label: kind === 'red' || kind === 'old' ? 'bright' : 'dark',
      })),
    ),
  )

/** The rows that all of them learn from, as lines of JSON. */
export const lines = [...rows('train', 4), ...rows('validation', 1)]
  .map((row) => `${JSON.stringify(row)}\n`)
  .join('')

/** A reward that prefers short answers. */
export const reward = 'export default (samples) => samples.map(({ response }) => 1 / (1 + response.length))\n'

const common = {
  model: join(root, 'artifacts/pocket'),
  lora: { r: 4 },
  max_length: 64,
  threads: 1,
  learning_rate: 1e-3,
  max_steps: 60,
  eval_steps: 5,
  save_steps: 3,
}

export type WorkloadName = 'sft' | 'classification' | 'dpo' | 'ppo'

/** The configuration of each, without its data and folder. */
export const workloads: Readonly<Record<WorkloadName, object>> = {
  sft: {
    ...common,
    task: 'sft',
    lora: 'full',
    max_steps: 40,
    template: { prompt: '{{ prompt }}', completion: '{{ chosen }}' },
  },
  classification: {
    ...common,
    task: 'classification',
    template: { text: '{{ prompt }}', label: '{{ label }}' },
  },
  dpo: {
    ...common,
    task: 'dpo',
    template: { prompt: '{{ prompt }}', chosen: '{{ chosen }}', rejected: '{{ rejected }}' },
  },
  ppo: {
    ...common,
    task: 'ppo',
    max_steps: 16,
    eval_steps: 4,
    save_steps: 1,
    per_device_eval_batch_size: 32,
    template: { prompt: '{{ prompt }}', completion: '{{ chosen }}' },
    ppo: {
      reward: { function: 'reward.mjs' },
      batch_size: 16,
      mini_batch_size: 8,
      max_new_tokens: 8,
      ppo_epochs: 2,
    },
  },
}
