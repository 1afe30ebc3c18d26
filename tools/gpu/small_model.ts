/** @module */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { parseGpt2Config } from '../../src/formats/families/gpt2.ts'
import { writeModelFolder } from '../../src/formats/model_folder.ts'
import { seededWeights } from '../../src/runs/initialise.ts'

/** Writes a model with the tokenizer of another and random weights, small enough for a GPU in software. */
export async function writeSmallModel(folder: string, like: string): Promise<void> {
  const of = async (name: string): Promise<string> => readFile(join(like, name), 'utf8')
  const stored = JSON.parse(await of('config.json')) as Record<string, unknown>
  const small = { n_layer: 2, n_head: 2, n_embd: 32, n_positions: 128, initializer_range: 0.2 }
  const config = parseGpt2Config({ ...stored, ...small }, 'the small model')
  const names = ['tokenizer.json', 'tokenizer_config.json']
  const tokenizerFiles: Record<string, string> = {}
  for (const name of names) tokenizerFiles[name] = await of(name)
  await writeModelFolder(folder, { config, tensors: seededWeights(config, 1), tokenizerFiles })
}
