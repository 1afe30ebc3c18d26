/**
 * The runs that tools/python_step.py takes the steps of.
 * @module
 */
import { join } from 'node:path'

import type { StepRecord } from '../../src/learning/listeners.ts'
import { openSplitFile } from '../../src/runs/split.ts'
import { createTinyRun } from './tiny_run.ts'

/** What the script found; tools/fixtures/python_step.ts writes it. */
export interface PythonSteps {
  readonly examples: readonly { readonly input_ids: number[]; readonly labels: number[] }[]
  readonly steps: Readonly<
    Record<keyof typeof trained, readonly Pick<StepRecord, 'step' | 'loss' | 'grad_norm'>[]>
  >
}

const root = join(import.meta.dirname, '../..')
export const script = join(root, 'tools/python_step.py')
export const fixture = join(root, 'test/fixtures/python_step.json')

export const rates = { lora: 1e-2, full: 1e-3 } as const
const schedule = { max_steps: 10, weight_decay: 0.1, max_grad_norm: 0.5, threads: 1 }

export const trained = {
  lora: { r: 4, lora_alpha: 12, target_modules: ['c_attn', 'attn.c_proj'] },
  full: 'full',
} as const

const rows = [
  { prompt: 'a dog is', answer: ' an animal' },
  { prompt: 'the sea is', answer: ' water' },
  { prompt: 'a hill', answer: ' is a small mountain' },
]
const template = { prompt: '{{ prompt }}', completion: '{{ answer }}<|endoftext|>' }

/** A run of ten steps, each of all examples. */
export const createTenSteps = async (folder: string, name: keyof typeof trained): Promise<string> =>
  (
    await createTinyRun(folder, rows, {
      ...schedule,
      learning_rate: rates[name],
      template,
      lora: trained[name],
    })
  ).run

export function examplesOf(run: string): PythonSteps['examples'] {
  const data = openSplitFile(run, 'train')
  try {
    return Array.from({ length: data.size }, (_, i) => {
      const { input_ids, labels } = data.row(i)
      return { input_ids: [...input_ids], labels: [...labels] }
    })
  } finally {
    data.close()
  }
}
