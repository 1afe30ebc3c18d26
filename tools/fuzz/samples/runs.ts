/**
 * Sound files of runs, from their configuration to what training writes.
 * @module
 */
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { createRun } from '../../../src/runs/create.ts'
import { readConfig } from '../../../src/runs/read_config.ts'
import { writeTinyModel, writeWords } from '../../../test/tiny_model.ts'
import { encode, lines, root, values } from './files.ts'

/** Configurations of tasks as they come with the sources. */
export async function configs(): Promise<readonly Uint8Array[]> {
  const names = ['dictionary_forward', 'emotion', 'instruct', 'npt', 'ppo', 'kto']
  const sound = await Promise.all(names.map((name) => readFile(join(root, 'data', `${name}.yaml`))))
  const aliases = 'defaults: &d {r: 8}\n'
  return [
    ...sound,
    encode(
      `model: m\noutput_dir: o\nlora: &d {r: 8}\ndata: [{path: a.csv, split: {all: train}}]\n# ${aliases}`,
    ),
  ]
}

export async function overrides(folder: string): Promise<readonly Uint8Array[]> {
  await copyFile(join(root, 'data', 'dictionary.yaml'), join(folder, 'config.yaml'))
  return [encode('learning_rate=1e-4\nlora.r=16'), encode('data.0.path=a.csv\ntemplate={text: a}\nlora=full')]
}

/** A template and a row for it. */
export const templates = values(
  {
    template: { prompt: 'Word: {{ word }} ;', completion: ' {{ definition | trim }}' },
    row: { word: 'dog', definition: 'an animal' },
  },
  {
    template: {
      text: '{% for t in tags %}{{ loop.index }}{{ t }}{% if a.b is defined %}{{ a.b }}{% endif %}{% endfor %}',
    },
    row: { tags: ['x', 'y'], a: { b: 1 } },
  },
  {
    template: {
      system: '{{ content }}\n',
      user: 'U: {{ content }}\n',
      assistant: 'A: {{ content }}<|endoftext|>',
    },
    row: {
      messages: [
        { role: 'user', content: 'Hi' },
        { from: 'gpt', value: 'Hello' },
      ],
    },
  },
)

/** A run that is made and not trained, of plain definitions. */
export async function writeRun(folder: string): Promise<void> {
  await writeTinyModel(join(folder, 'model'))
  const path = join(folder, 'words.csv')
  await writeWords(path)
  const run = join(folder, 'run')
  const data = [{ path, split: { column: 'split' } }]
  const lora = { r: 4, lora_alpha: 8 }
  await createRun(readConfig({ model: join(folder, 'model'), output_dir: run, data, lora, max_steps: 10 }))
}

const visit = { stage: 'short', run: '1-short', global_step: 3, best_metric: 2.5, best_step: 2 }
export const curricula = values({
  format_version: 1,
  config: {
    model: 'model',
    output_dir: 'run',
    data: [{ path: 'words.csv' }],
    curriculum: { advance: 'adaptive' },
    stages: [{ name: 'short', filter: 'word | length < 5', max_steps: 3 }, { name: 'all' }],
  },
  directory: '/work',
  order: ['short', 'all'],
  fingerprints: { short: 'a', all: 'b' },
  visits: [visit, { ...visit, stage: 'all', run: '2-all', earlier: { short: 2.75 } }],
})

const state = {
  global_step: 7,
  epoch: 1,
  batch: 2,
  best_metric: 3.5,
  best_step: 5,
  evaluations_without_improvement: 1,
}
export const trainerStates = values(state, {
  ...state,
  best_metric: null,
  best_step: null,
  ppo: { kl_coef: 0.1 },
})

const log = Array.from({ length: 12 }, (_, i) =>
  i % 4 === 3
    ? { step: i, epoch: 0, eval_loss: 3 / (i + 1), best: true }
    : { step: i + 1, epoch: 0, loss: 4 / (i + 1), learning_rate: 1e-3, tokens: 100, grad_norm: 1 },
)

/** Of a run, which is written beside it. */
export async function logs(folder: string): Promise<readonly Uint8Array[]> {
  await mkdir(folder, { recursive: true })
  await writeRun(folder)
  await copyFile(join(folder, 'run', 'training.json'), join(folder, 'training.json'))
  return lines(log)(folder)
}

/** A training graph. */
export async function graphs(folder: string): Promise<readonly Uint8Array[]> {
  await writeRun(folder)
  return [
    await readFile(join(folder, 'run', 'optimizer_model.onnx')),
    await readFile(join(folder, 'run', 'eval_model.onnx')),
  ]
}
