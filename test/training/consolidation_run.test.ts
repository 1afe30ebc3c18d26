import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { sftEvaluationGraph } from '../../graphs/tasks/sft.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import { asLanguageModel } from '../../src/tasks/language_model.ts'
import { collate, collateTokens, totalLabelled } from '../../src/data/batches/collate.ts'
import { TRAINED_FILE } from '../../src/formats/trained_file.ts'
import type { FoundModel } from '../../src/models/find_model.ts'
import { findModel } from '../../src/models/find_model.ts'
import type { PeftAdapter } from '../../src/formats/peft.ts'
import { writePeftAdapter } from '../../src/formats/peft.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { exportModel } from '../../src/exports/export_model.ts'
import { openFoundModel } from '../../src/models/open_found_model.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Consolidator, ConsolidatorOptions } from '../../src/exports/consolidator.ts'
import { openConsolidator } from '../../src/exports/consolidator.ts'
import { collateTexts, foldWeights } from '../../src/tasks/consolidation.ts'
import { openSplit } from '../../src/runs/split.ts'
import type { StepRecord } from '../../src/learning/listeners.ts'
import { evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { largestDifference, relativeDifference } from '../graphs/gpt2_fixtures.ts'
import { createTinyRun } from './tiny_run.ts'

const rows = [
  'a dog is an animal',
  'the sea is wide',
  'a tree has leaves',
  'it rains today',
  'who took it?',
].map((text) => ({ text }))
const config = {
  lora: undefined,
  task: 'consolidation',
  template: { text: '{{ text }}' },
  npt: { rank: 4, modulation_scale: 1, init_scale: 1, layers: [1], attention_residual: true },
  consolidation: { fold: 'weighted', damage_weight: 0.5 },
  threads: 1,
  per_device_train_batch_size: 5,
  learning_rate: 2e-2,
  max_steps: 40,
  eval_steps: 20,
}
const MODULE = 'transformer.h.1.mlp.c_fc'

async function trained(folder: string): Promise<string> {
  const { run } = await createTinyRun(folder, rows, config)
  await continueRun(run)
  return run
}

/** Opens a run's consolidator and the token ids of the texts it was trained on. */
async function withConsolidator<T>(
  run: string,
  options: ConsolidatorOptions,
  use: (consolidator: Consolidator, texts: number[][]) => Promise<T>,
): Promise<T> {
  const data = await openSplit(run, 'validation')
  const texts = Array.from({ length: data.size }, (_, row) => [...data.row(row).input_ids])
  data.close()
  const consolidator = await openConsolidator(run, options)
  try {
    return await use(consolidator, texts)
  } finally {
    await consolidator.release()
  }
}

const exampleOf = (text: readonly number[]) => {
  const input_ids = Int32Array.from(text)
  return { input_ids, labels: input_ids }
}

/** log p of each text's tokens after the first, by a model that was found. */
async function logProbabilities(found: FoundModel, texts: readonly (readonly number[])[]): Promise<number[]> {
  const { session, parameters } = await openFoundModel(
    found,
    (request) => sftEvaluationGraph(asLanguageModel(request)),
    nodeRuntime(),
  )
  const results: number[] = []
  for (const text of texts) {
    const { loss } = await session.run({ ...collate([[exampleOf(text)]], { total: 1 }), ...parameters })
    results.push(-Number(loss!.data[0]))
  }
  await session.release()
  return results
}

const part = (adapter: PeftAdapter, half: 'A' | 'B') =>
  adapter.tensors.get(`${MODULE}.lora_${half}.weight`)!.data

/** A line of the log. */
type Logged = StepRecord & { eval_loss?: number } & Record<'before' | 'after' | 'damage', readonly number[]>

describe('a run of NPT, phase 3', () => {
  it('lowers its loss, and logs what a text teaches and damages', async () => {
    await withFolder(async (folder) => {
      const run = await trained(folder)
      const lines = (await readFile(join(run, 'log.jsonl'), 'utf8')).trim().split('\n')
      const records = lines.map((line) => JSON.parse(line) as Logged)
      const steps = records.filter((record) => record.loss !== undefined)
      expect(steps.length).to.equal(40)
      for (const { loss, before, after, damage } of steps) {
        expect(before.length).to.equal(1)
        expect(loss).to.be.closeTo(after[0]! + 0.5 * damage[0]!, 1e-5)
      }
      // One batch holds all the data, so what a model without an update makes of it stays the same.
      const [first, last] = [steps[0]!, steps.at(-1)!]
      expect(last.before[0]).to.be.closeTo(first.before[0]!, 1e-5)
      expect(last.loss).to.be.lessThan(first.loss - 0.1)
      expect(last.after[0]).to.be.lessThan(last.before[0]! - 0.1)
      const evaluations = records.flatMap(({ eval_loss }) => (eval_loss === undefined ? [] : [eval_loss]))
      expect(evaluations[1]!).to.be.lessThan(evaluations[0]!)
    })
  })

  it('makes adapters that say of a text what training said, merged ones too', async () => {
    await withFolder(async (folder) => {
      const run = await trained(folder)
      const session = await openNodeSession(join(run, 'eval_model.onnx'))
      const tensors = await readTensors(join(run, 'checkpoints', 'best', TRAINED_FILE))
      const update = await withConsolidator(run, {}, async (consolidator, texts) => {
        for (const text of texts) {
          const total = totalLabelled([exampleOf(text)])
          const feeds = collateTexts([[exampleOf(text)]], total, 'weighted')
          const { before, after } = await session.run({ ...feeds, ...tensorFeeds(tensors) })
          const update = await consolidator.consolidate([text])
          const [as] = await consolidator.logProbabilities([text])
          const [became] = await consolidator.logProbabilities([text], update)
          expect(as!).to.be.closeTo(-total * Number(before!.data[0]), 1e-4)
          expect(became!).to.be.closeTo(-total * Number(after!.data[0]), 1e-4)
          expect(became!).to.be.greaterThan(as!)
        }

        const update = await consolidator.consolidate([texts[2]!])
        const adapter = join(folder, 'adapter')
        await writePeftAdapter(adapter, update)
        const expected = await consolidator.logProbabilities(texts, update)
        const found = await findModel(run, { adapter })
        expect(largestDifference(await logProbabilities(found, texts), expected)).to.be.at.most(1e-4)
        const merged = join(folder, 'merged')
        await exportModel({ model: found, out: merged })
        const permanent = await logProbabilities(await findModel(merged), texts)
        expect(largestDifference(permanent, expected)).to.be.at.most(1e-4)

        const data = await openSplit(run, 'validation')
        const labelled = totalLabelled(texts.map(exampleOf))
        const perplexity = (values: number[]) =>
          Math.exp(-values.reduce((sum, value) => sum + value, 0) / labelled)
        expect(await consolidator.perplexity(data, update)).to.be.closeTo(perplexity(expected), 1e-3)
        const before = await consolidator.logProbabilities(texts)
        expect(await consolidator.perplexity(data)).to.be.closeTo(perplexity(before), 1e-3)
        data.close()
        return update
      })
      await session.release()
      expect(update.target_modules).to.deep.equal([MODULE])
      expect([...update.tensors.keys()]).to.deep.equal([`${MODULE}.lora_A.weight`, `${MODULE}.lora_B.weight`])
    })
  })

  it('adds texts up, acts as strongly as it is told, and folds in three ways', async () => {
    await withFolder(async (folder) => {
      const run = await trained(folder)
      const texts = await withConsolidator(run, {}, async (consolidator, texts) => {
        const [one, two, both] = await Promise.all([
          consolidator.consolidate([texts[0]!]),
          consolidator.consolidate([texts[1]!]),
          consolidator.consolidate([texts[0]!, texts[1]!]),
        ])
        const sum = part(one, 'B').map((value, i) => value + part(two, 'B')[i]!)
        expect(relativeDifference(part(both, 'B'), sum)).to.be.at.most(1e-6)
        for (const update of [two, both]) expect(part(update, 'A')).to.deep.equal(part(one, 'A'))

        const twice = await withConsolidator(run, { strength: 2 }, (stronger) =>
          stronger.consolidate([texts[0]!]),
        )
        const doubled = part(one, 'B').map((value) => 2 * value)
        expect(relativeDifference(part(twice, 'B'), doubled)).to.be.at.most(1e-6)
        const nothing = await withConsolidator(run, { strength: 0 }, (weakest) => weakest.consolidate(texts))
        expect(await consolidator.logProbabilities(texts, nothing)).to.deep.equal(
          await consolidator.logProbabilities(texts),
        )
        return texts
      })
      const fold = (options: ConsolidatorOptions) =>
        withConsolidator(run, options, async (consolidator) =>
          part(await consolidator.consolidate([texts[0]!]), 'B'),
        )
      const [mean, last, weighted] = [
        await fold({ fold: 'mean' }),
        await fold({ fold: 'last' }),
        await fold({ fold: 'weighted' }),
      ]
      expect(await fold({}), 'as the run was trained').to.deep.equal(weighted)
      for (const [a, b] of [
        [mean, last],
        [last, weighted],
        [weighted, mean],
      ])
        expect(relativeDifference(a!, b!)).to.be.greaterThan(0.01)
    })
  })

  it('weighs the tokens of a text by shares of 1, and pads by nothing', () => {
    const { feeds } = collateTokens([[exampleOf([5, 6, 7, 8])], [exampleOf([9])], [exampleOf([1, 2])]])
    const expected = {
      mean: [0.25, 0.25, 0.25, 0.25, 1, 0, 0, 0, 0.5, 0.5, 0, 0],
      last: [0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0],
      weighted: [0.1, 0.2, 0.3, 0.4, 1, 0, 0, 0, 1 / 3, 2 / 3, 0, 0],
    }
    for (const [fold, shares] of Object.entries(expected)) {
      const { dims, data } = foldWeights(feeds['attention_mask']!, fold as keyof typeof expected)
      expect(dims).to.deep.equal([3, 4])
      expect(largestDifference(data as Float32Array, shares), fold).to.be.at.most(1e-7)
    }
    const others = collateTexts([[exampleOf([5, 6])], [exampleOf([9, 1])], [exampleOf([2, 3])]], 3, 'mean')
    expect([...(others['others']!.data as BigInt64Array)]).to.deep.equal([1n, 2n, 0n])
  })

  it('is judged by what its texts teach and damage', async () => {
    await withFolder(async (folder) => {
      const result = await evaluateRun(await trained(folder), 'validation')
      if (result.task !== 'consolidation') throw new Error(`it is judged as ${result.task}`)
      expect(result.after).to.be.lessThan(result.before)
      expect(result.damage).to.be.greaterThan(0)
      expect(result.loss).to.be.closeTo(result.after + 0.5 * result.damage, 1e-5)
    })
  })

  it('needs plastic blocks that are trained', async () => {
    await withFolder(async (folder) => {
      const { run, model } = await createTinyRun(folder, rows, config)
      for (const open of [() => openConsolidator(run, { checkpoint: 'base' }), () => openConsolidator(model)])
        expect(await userError(open)).to.match(/has no trained plastic blocks; name a run of NPT/)
    })
  })
})
