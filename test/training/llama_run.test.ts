import { writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { env, pipeline } from '@xenova/transformers'

import { expect } from 'chai'

import { exportClassifier } from '../../src/exports/export_classifier.ts'
import { exportModel } from '../../src/exports/export_model.ts'
import { openConsolidator } from '../../src/exports/consolidator.ts'
import { openClassifier } from '../../src/models/open_classifier.ts'
import { findModel } from '../../src/models/find_model.ts'
import { openGenerator } from '../../src/models/open_generator.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { createRun } from '../../src/runs/create.ts'
import { runConfigSchema } from '../../src/runs/config.ts'
import { evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import { TASK_NAMES } from '../../src/tasks/index.ts'
import type { TaskName } from '../../src/tasks/index.ts'
import { withFolder } from '../data/helpers.ts'
import { linesOf } from '../log_lines.ts'
import { cases } from '../tasks/cases.ts'
import { plainLlama, writeTinyLlama } from '../tiny_llama.ts'

/** The names of modules are those of GPT-2 in {@link cases}. */
const namedAsLlama = (config: object): object =>
  JSON.parse(JSON.stringify(config).replaceAll('"wte"', '"embed_tokens"')) as object

/** Trains two steps of a task in `folder/<task>`, and returns the run's folder. */
async function trained(folder: string, task: TaskName, more: object = {}): Promise<string> {
  const { rows, config } = cases[task]
  const [model, data, own] = ['model', `${task}.jsonl`, task].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const sources = ['train', 'validation'].map((all) => ({ path: data, split: { all } }))
  const steps = { max_steps: 2, eval_steps: 2, save_steps: 2, threads: 1, learning_rate: 1e-3 }
  const given = runConfigSchema.parse({
    ...{ task, model, output_dir: own, data: sources, ...steps, ...namedAsLlama(config), ...more },
  })
  await createRun(given)
  await continueRun(given.output_dir)
  return given.output_dir
}

describe("runs on a model of Llama's family", function () {
  this.timeout(60_000)

  for (const task of TASK_NAMES)
    it(`learn by task ${task}`, () =>
      withFolder(async (folder) => {
        await writeTinyLlama(join(folder, 'model'))
        const run = await trained(folder, task)
        const losses = (await linesOf(run)).flatMap(({ loss }) => (typeof loss === 'number' ? [loss] : []))
        expect(losses).to.have.length.of.at.least(1)
        for (const loss of losses) expect(loss).to.be.finite
      }))

  it('are evaluated, and merged into what transformers.js continues token for token', () =>
    withFolder(async (folder) => {
      await writeTinyLlama(join(folder, 'model'), { config: plainLlama })
      const run = await trained(folder, 'sft')
      expect((await evaluateRun(run, 'validation')).task).to.equal('sft')
      const out = join(folder, 'merged')
      await exportModel({ model: await findModel(run), out })
      const prompt = 'a dog is an animal of the house'
      const ours = await written(out, prompt)
      // The adapter beside its model writes the same.
      expect(await written(run, prompt)).to.deep.equal(ours)

      Object.assign(env, { allowRemoteModels: false, localModelPath: dirname(out) })
      const theirs = await pipeline('text-generation', basename(out))
      const inputs = theirs.tokenizer(prompt)
      const options = { max_new_tokens: ours.length, do_sample: false }
      const ids = (await theirs.model.generate({ ...inputs, ...options })) as { tolist(): bigint[][] }
      await theirs.dispose()
      expect(
        ids
          .tolist()[0]!
          .slice(inputs.input_ids.dims.at(-1) as number)
          .map(Number),
      ).to.deep.equal(ours)
    }))

  it('keep frozen weights in 16 and in 4 bits, and compute blocks once more', () =>
    withFolder(async (folder) => {
      await writeTinyLlama(join(folder, 'model'), { dtype: 'BF16' })
      const losses: number[] = []
      for (const [name, more] of Object.entries({
        plain: {},
        checkpointed: { gradient_checkpointing: true },
        int4: { base: 'int4' },
      })) {
        const run = await trained(folder, 'sft', { ...more, output_dir: join(folder, name) })
        losses.push((await linesOf(run)).find((line) => 'loss' in line)!['loss'] as number)
      }
      const [plain, checkpointed, int4] = losses as [number, number, number]
      expect(checkpointed).to.be.closeTo(plain, 1e-6)
      expect(int4).to.be.closeTo(plain, 0.3)
      expect(int4).not.to.be.closeTo(plain, 1e-6)
    }))

  it('classify in transformers.js, by the last token and by the mean', () =>
    withFolder(async (folder) => {
      await writeTinyLlama(join(folder, 'model'))
      for (const pooling of ['last', 'mean'] as const) {
        const run = await trained(folder, 'classification', { pooling, output_dir: join(folder, pooling) })
        const out = join(folder, `${pooling}-model`)
        await exportClassifier(await findModel(run), out)
        const ours = await openClassifier(out)
        const [answer] = await ours.classify(['the sea'])
        await ours.release()
        Object.assign(env, { allowRemoteModels: false, localModelPath: out })
        const theirs = await pipeline('text-classification', 'transformers.js')
        const [found] = (await theirs('the sea')) as { label: string; score: number }[]
        await theirs.dispose()
        expect(found!.score).to.be.closeTo(Math.max(...answer!), 1e-5)
      }
    }))

  it('fold what a text says into an adapter on the MLP', () =>
    withFolder(async (folder) => {
      await writeTinyLlama(join(folder, 'model'))
      const run = await trained(folder, 'consolidation')
      const consolidator = await openConsolidator(run)
      const update = await consolidator.consolidate([consolidator.tokenizer.encode('a dog is an animal')])
      await consolidator.release()
      expect([...update.tensors.keys()]).to.include('model.layers.0.mlp.gate_proj.lora_A.weight')
    }))
})

/** Eight tokens that a model continues a prompt with, greedily. */
async function written(folder: string, prompt: string): Promise<readonly number[]> {
  const generator = await openGenerator(folder)
  const [continuation] = await generator.generate([prompt], { max_new_tokens: 8, do_sample: false })
  await generator.release()
  return continuation!.tokens
}
