/** @module */
import { readRunConfig } from '../runs/run_config.ts'
import { readRunManifest } from '../runs/run_manifest.ts'
import { openSplitFile } from '../runs/split.ts'
import { taskNamed } from '../tasks/index.ts'
import type { AdviceFacts } from './training_advice.ts'

/** What advice on a run depends on beside its log. */
export async function adviceFacts(run: string): Promise<AdviceFacts> {
  const { task, learning_rate: learningRate } = await readRunConfig(run)
  const { parameters } = await readRunManifest(run)
  const data = openSplitFile(run, 'validation')
  try {
    const { classes, layout, size } = data
    const facts = {
      learningRate,
      parameters: parameters.trainable + parameters.frozen,
      lossTells: taskNamed(task).comparableLoss !== false,
      validationRows: size / layout.rowsPerExample,
    }
    if (layout.rowsPerExample === 2) return { ...facts, chance: 1 / 2 }
    if (classes.length === 0) return facts
    const counts = new Array<number>(classes.length).fill(0)
    for (let row = 0; row < size; row++) counts[data.row(row).labels[0]!]!++
    return { ...facts, chance: Math.max(...counts) / size }
  } finally {
    data.close()
  }
}
