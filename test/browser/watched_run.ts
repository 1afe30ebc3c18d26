/**
 * A run's folder as `ortune watch` reads it, with a log that looks like one.
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { createRandom } from '../../src/random.ts'
import { readConfig } from '../../src/runs/read_config.ts'

/** How often it is evaluated, and steps of an epoch. */
const [EVALUATED, EPOCH] = [50, 113]

/** Lines of the steps from one to another. */
export function writtenLog(from: number, to: number): string {
  const records: object[] = []
  for (let step = from; step <= to; step++) {
    const { uniform } = createRandom(step)
    const noise = () => uniform() - 0.5
    const epoch = step / EPOCH
    const falling = 3.25 + 1.1 * Math.exp(-step / 60)
    records.push({
      ...{ step, epoch, loss: falling + noise() / 2, grad_norm: 0.9 + noise() / 3 + 12 / (step + 4) },
      learning_rate: 2e-3 * Math.min(1, step / 17) * (0.5 + 0.5 * Math.cos((Math.PI * step) / 338)),
      tokens: 1500 + Math.round(200 * noise()),
    })
    const evaluation = (at: number, eval_loss: number) => ({
      step: at,
      epoch: at / EPOCH,
      eval_loss,
      best: true,
    })
    if (step === 1) records.push(evaluation(0, 4.216))
    if (step % EVALUATED === 0 || step === 338) records.push(evaluation(step, falling + 0.12))
  }
  return records.map((record) => `${JSON.stringify(record)}\n`).join('')
}

interface Written {
  readonly steps: number
  readonly total: number
  readonly samples?: boolean
}

export async function writeWatchedRun(
  run: string,
  { steps, total, samples = false }: Written,
): Promise<void> {
  await mkdir(join(run, 'checkpoints'), { recursive: true })
  const config = readConfig({
    ...{ model: 'artifacts/pocket', output_dir: run, task: 'sft', learning_rate: 2e-3 },
    ...{
      max_steps: total,
      eval_steps: EVALUATED,
      lora: { r: 16, lora_alpha: 32, target_modules: ['c_attn', 'c_fc'] },
    },
    data: [{ path: 'data/dictionary.csv', split: { column: 'split' } }],
    template: { prompt: 'Word: {{ word }} ; Definition:', completion: ' {{ definition }}<|endoftext|>' },
  })
  await writeFile(join(run, 'training.json'), JSON.stringify(config))
  await writeFile(join(run, 'log.jsonl'), steps === 0 ? '' : writtenLog(1, steps))
  if (samples) await writeFile(join(run, 'rollouts.jsonl'), writtenSamples(steps))
  const evaluated = steps === total ? total : steps - (steps % EVALUATED)
  if (evaluated > 0)
    for (const name of ['last', 'best']) {
      const state = { global_step: evaluated, best_metric: 3.402, evaluations_without_improvement: 0 }
      await mkdir(join(run, 'checkpoints', name))
      await writeFile(join(run, 'checkpoints', name, 'trainer_state.json'), JSON.stringify(state))
    }
}

const writtenSamples = (step: number): string =>
  [
    ['Word: lantern ; Definition:', ' a portable light that is carried by hand', 1.37],
    ['Word: gravity ; Definition:', ' the force by which bodies are drawn to one another', 0.92],
    ['Word: lettuce ; Definition:', ' leaves of any of various plants', 1.11],
    ['Word: stealing ; Definition:', ' the act of taking something that belongs to somebody else', -0.2],
  ]
    .map(
      ([prompt, response, score]) =>
        `${JSON.stringify({ step, prompt, response, score, kl: 0, tokens: 9 })}\n`,
    )
    .join('')
