/** What is trained in a tab, and in Node beside it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { bertFixture } from '../graphs/bert_fixtures.ts'

interface BrowserTask {
  readonly rows: readonly object[]
  readonly settings: { readonly max_steps: number } & Readonly<Record<string, unknown>>
  readonly prompts?: readonly string[]
  /** A folder of a model, where it is of another one than the other tasks are. */
  readonly model?: string
}

const words = ['dog', 'cat', 'tree', 'sea', 'hill', 'bird', 'house', 'lamp']
const common = {
  lora: { r: 4, lora_alpha: 8 },
  ...{ per_device_train_batch_size: 2, learning_rate: 1e-3, eval_steps: 1000, warmup_steps: 0 },
}

const classes = {
  rows: words.map((word, i) => ({ text: `a ${word}`, label: i % 2 === 0 ? 'thing' : 'place' })),
  settings: { ...common, task: 'classification', max_steps: 5 },
}

export const TASKS: Readonly<Record<string, BrowserTask>> = {
  sft: {
    rows: words.map((word) => ({ prompt: `a ${word} is`, completion: ` a thing that is called ${word}` })),
    settings: { ...common, max_steps: 30 },
    prompts: ['a dog is', 'the sea'],
  },
  dpo: {
    rows: words.map((word) => ({ prompt: `a ${word} is`, chosen: ` a ${word}`, rejected: ' none of it' })),
    settings: { ...common, task: 'dpo', max_steps: 5 },
  },
  classification: classes,
  'classification of BERT': { ...classes, model: bertFixture('model') },
  ppo: {
    rows: words.map((word) => ({ prompt: `a ${word} is`, completion: ` a thing, ${word}` })),
    settings: {
      ...common,
      task: 'ppo',
      max_steps: 5,
      ppo: {
        reward: { metric: 'rouge1' },
        // A model that says nothing of what it should is told so, too.
        missing_eos_penalty: 1,
        ...{ batch_size: 4, mini_batch_size: 2, ppo_epochs: 1, max_new_tokens: 5 },
        // Of a policy that has not moved the loss is 0 but for rounding; that of its values is compared.
        vf_coef: 10,
      },
    },
  },
}

/** Writes rows, which train and validate. */
export async function writeRows(folder: string, rows: readonly object[]) {
  const path = join(folder, 'rows.jsonl')
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return ['train', 'validation'].map((all) => ({ path, split: { all } }))
}
