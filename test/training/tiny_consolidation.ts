/** @module */
import { continueRun } from '../../src/runs/continue.ts'
import { createTinyRun } from './tiny_run.ts'

const rows = ['a dog is an animal', 'the sea is wide', 'a tree has leaves'].map((text) => ({ text }))

/** In `folder/run` a trained run of phase 3, which it returns. */
export async function trainTinyConsolidation(folder: string): Promise<string> {
  const { run } = await createTinyRun(folder, rows, {
    lora: undefined,
    task: 'consolidation',
    template: { text: '{{ text }}' },
    npt: { rank: 4, modulation_scale: 1, init_scale: 1, attention_residual: true },
    per_device_train_batch_size: 3,
    learning_rate: 2e-2,
    max_steps: 20,
  })
  await continueRun(run)
  return run
}
