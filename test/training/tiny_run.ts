/**
 * Runs on the tiny model, prepared and not trained.
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { createRun } from '../../src/runs/create.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { resealCheckpoint } from '../formats/reseal.ts'
import { writeTinyAdapter, writeTinyModel } from '../tiny_model.ts'

export interface TinyRun {
  readonly run: string
  readonly model: string
}

/**
 * Creates a run in `folder/run` from a model in `folder/model`.
 *
 * @param rows the training data, which validates as well
 * @param config more keys of its configuration
 */
export async function createTinyRun(
  folder: string,
  rows: readonly object[],
  config: object = {},
): Promise<TinyRun> {
  const [run, model, data] = ['run', 'model', 'rows.jsonl'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await mkdir(folder, { recursive: true })
  await writeTinyModel(model)
  await writeFile(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const sources = ['train', 'validation'].map((all) => ({ path: data, split: { all } }))
  const lora = { r: 4, lora_alpha: 8 }
  await createRun(runConfigSchema.parse({ model, output_dir: run, data: sources, lora, ...config }))
  return { run, model }
}

/** Puts the tiny adapter into a run as its best checkpoint. */
export async function writeBestCheckpoint(run: string): Promise<void> {
  const best = join(run, 'checkpoints', 'best')
  await mkdir(join(run, 'checkpoints'), { recursive: true })
  await writeTinyAdapter(best)
  await resealCheckpoint(best)
}
