/**
 * Whether each term of neuro-plastic fine-tuning moves its own quantity: the pocket model learns long definitions with their examples, with
 * the likelihood alone and with one strong term beside it, over several seeds:
 *   node --import tsx tools/neuroplastic/terms.ts [steps] [seeds] [term …]
 * What greedy responses to held-out words are like before and after, and what was drawn in the first and in the last ten steps; one line
 * of JSON a run.
 * @module
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { parse } from 'csv-parse/sync'

import type { EvaluationRecord, StepRecord } from '../../src/learning/listeners.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { createRun } from '../../src/runs/create.ts'

const alone = { lambda_reward: 1, alpha: 0, beta_sem: 0, gamma_div: 0, delta_ref: 0 }
const terms: Readonly<Record<string, object>> = {
  none: alone,
  semantic: { ...alone, beta_sem: 10 },
  entropy: { ...alone, gamma_div: 3 },
  length: { ...alone, alpha: 1 },
  reference: { ...alone, delta_ref: 20 },
}

const round = (value: number): number => Number(value.toPrecision(4))

interface DictionaryRow {
  readonly word: string
  readonly part_of_speech: string
  readonly definition: string
  readonly example: string
  readonly split: string
}

const [steps = '60', seeds = '1,2,3', ...chosen] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'ortune-terms-'))
try {
  const path = join(folder, 'rows.jsonl')
  await writeFile(path, (await rowsOf(2000, 100)).map((row) => `${JSON.stringify(row)}\n`).join(''))
  for (const seed of seeds.split(',').map(Number))
    for (const term of chosen.length > 0 ? chosen : Object.keys(terms)) await train(path, term, seed)
} finally {
  await rm(folder, { recursive: true })
}

/** The longest rows of the dictionary that have an example. */
async function rowsOf(training: number, validation: number): Promise<DictionaryRow[]> {
  const all = parse<DictionaryRow>(await readFile('data/dictionary.csv'), { columns: true })
  const length = ({ definition, example }: DictionaryRow) => definition.length + example.length
  const withExample = all.filter(({ example }) => example !== '').sort((a, b) => length(b) - length(a))
  const of = (split: string) => withExample.filter((row) => row.split === split)
  return [...of('train').slice(0, training), ...of('validation').slice(0, validation)]
}

async function train(path: string, term: string, seed: number): Promise<void> {
  const run = join(folder, `${term}-${seed}`)
  await createRun(
    runConfigSchema.parse({
      ...{ task: 'neuroplastic', model: 'artifacts/pocket', output_dir: run, seed, threads: 1 },
      data: [{ path, split: { column: 'split' } }],
      template: {
        prompt: '{{ word }} ({{ part_of_speech }}):',
        completion: ' {{ definition }}; "{{ example }}"<|endoftext|>',
      },
      lora: { r: 16, lora_alpha: 32, target_modules: ['c_attn', 'attn.c_proj', 'c_fc', 'mlp.c_proj'] },
      ...{ max_steps: Number(steps), eval_steps: Number(steps), learning_rate: 1e-3 },
      ...{ per_device_train_batch_size: 8, per_device_eval_batch_size: 50 },
      neuroplastic: {
        ...terms[term],
        target_length: 20,
        max_new_tokens: 40,
        eval_prompts: 100,
        norm_steps: 20,
      },
    }),
  )
  const found: EvaluationRecord[] = []
  const drawn: StepRecord[] = []
  await continueRun(run, {
    evaluation: (record) => void found.push(record),
    step: (record) => void drawn.push(record),
  })
  const meanOf = (records: readonly StepRecord[], name: string) =>
    round(records.reduce((sum, record) => sum + Number(record[name]), 0) / records.length)
  const ofDrawn = Object.fromEntries(
    ['tokens/responses_len_mean', 'terms/length', 'terms/reference']
      .filter((name) => name in drawn[0]!)
      .map((name) => [name, [meanOf(drawn.slice(0, 10), name), meanOf(drawn.slice(-10), name)]]),
  )
  const figures = (record: EvaluationRecord) =>
    Object.fromEntries(
      ['loss', 'length', 'cosine', 'entropy', 'bleu', 'meteor'].map((name) => [
        name,
        round(record[`eval_${name}`]!),
      ]),
    )
  const line = { term, seed, drawn: ofDrawn, before: figures(found[0]!), after: figures(found.at(-1)!) }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
