/**
 * Turns the finished pre-training run into the shipped folder:
 * `node --import tsx tools/pocket/finish.ts runs/pocket/run artifacts/pocket` copies the best checkpoint's model and
 * tokenizer and writes the model card with the run's figures, samples and loss curve.
 * @module
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { openGenerator } from '../../src/models/open_generator.ts'
import { tasks } from '../../src/tasks/index.ts'
import { trainingCurves } from '../../src/report/training_curves.ts'
import type { EvaluationRecord, StepRecord } from '../../src/learning/listeners.ts'

const here = dirname(fileURLToPath(import.meta.url))
const [run, out] = [process.argv[2] ?? 'runs/pocket/run', process.argv[3] ?? 'artifacts/pocket']
const best = join(run, 'checkpoints', 'best')
await mkdir(out, { recursive: true })
for (const name of [
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
]) {
  await copyFile(join(best, name), join(out, name))
}
await copyFile(join(here, '..', '..', 'data', 'WORDNET_LICENSE'), join(out, 'WORDNET_LICENSE'))

const log = (await readFile(join(run, 'log.jsonl'), 'utf8'))
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as StepRecord | EvaluationRecord)
await writeFile(join(out, 'loss.svg'), await trainingCurves(log, 'pocket: pre-training', tasks.sft))

const steps = log.filter((record): record is StepRecord => 'loss' in record)
const evaluations = log.filter((record): record is EvaluationRecord => 'eval_loss' in record)
const bestEvaluation = evaluations.reduce((a, b) => (b.eval_loss < a.eval_loss ? b : a))
const tokens = steps.reduce((sum, record) => sum + record.tokens, 0)

const prompts = [
  'lantern (noun):',
  'whisper (verb):',
  'reluctant (adjective):',
  'physicist (noun):',
  'slowly (adverb):',
]
const generator = await openGenerator(out)
const samples = await generator.generate(prompts, { max_new_tokens: 40, repetition_penalty: 1.2 })
await generator.release()

const template = await readFile(join(here, 'card.md'), 'utf8')
const card = template
  .replace('{steps}', steps.length.toLocaleString('en'))
  .replace('{tokens}', (tokens / 1e6).toFixed(1))
  .replace('{best_step}', bestEvaluation.step.toLocaleString('en'))
  .replace('{loss}', bestEvaluation.eval_loss.toFixed(3))
  .replace('{perplexity}', bestEvaluation.eval_perplexity!.toFixed(1))
  .replace('{samples}', samples.map(({ prompt, text }) => `> **${prompt}**${text.trimEnd()}`).join('\n>\n'))
await writeFile(join(out, 'README.md'), card)
