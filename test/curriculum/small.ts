/**
 * A curriculum of three stages that takes seconds, and what is left of one.
 * @module
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { writeTinyModel } from '../tiny_model.ts'

const words = ['dog', 'cat', 'tree', 'sea', 'hill', 'bird']

/** Short answers and long ones, of which a sixth is for validation. */
export const rows = Array.from({ length: 48 }, (_, i) => ({
  instruction: `What is ${words[i % 6]} ${i}?`,
  response: i % 2 ? `a ${words[i % 5]}` : `a ${words[i % 5]} and also a ${words[(i + 1) % 5]} ${i}`,
  split: i % 12 < 2 ? 'validation' : 'train',
}))

export const short = { name: 'short', filter: '{{ row.response | length < 10 }}', max_length: 30 }
export const long = { name: 'long', filter: 'response | length >= 10', num_train_epochs: 2 }
export const all = { name: 'all of them', learning_rate: 5e-3 }

export const shared = {
  model: 'model',
  output_dir: 'run',
  data: [{ path: 'rows.jsonl', split: { column: 'split' } }],
  template: { prompt: '{{ instruction }}', completion: ' {{ response }}<|endoftext|>' },
  lora: { r: 4 },
  ...{ threads: 1, learning_rate: 1e-2, max_length: 60, num_train_epochs: 1, eval_steps: 2, save_steps: 1 },
  stages: [short, long, all],
}

/** Writes the model and the rows. */
export async function writeCurriculumInputs(folder: string): Promise<void> {
  await writeTinyModel(join(folder, 'model'))
  await writeFile(join(folder, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}

/** What training leaves of each stage: data, starts, checkpoints and logs, without `adapter_config.json`, which names the model. */
export async function bytesOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const paths = (await readdir(folder, { recursive: true })).filter(
    (path) =>
      /(checkpoints.*\.(safetensors|json)|(log|rollouts)\.jsonl|\.arrow|checkpoint\.safetensors)$/.test(
        path,
      ) && !path.endsWith('adapter_config.json'),
  )
  const read = paths.sort().map(async (path) => [path, await readFile(join(folder, path), 'base64')] as const)
  return Object.fromEntries(await Promise.all(read))
}

/** @throws AssertionError naming the file that one of two folders lacks or has otherwise */
export async function expectSameBytes(folder: string, other: string): Promise<void> {
  const [found, wanted] = [await bytesOf(folder), await bytesOf(other)]
  expect(Object.keys(found)).to.deep.equal(Object.keys(wanted))
  for (const [path, bytes] of Object.entries(wanted)) expect(found[path] === bytes, path).to.equal(true)
}
