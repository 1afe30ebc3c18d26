import { expect } from 'chai'

import type { LanguageModel } from '../../graphs/models/language_model.ts'
import { sftEvaluationGraph, sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { collate, totalLabelled } from '../../src/data/batches/collate.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { packedRows } from '../../src/data/batches/packing.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { initialState } from '../../src/learning/trainer_state.ts'
import { rejection } from '../rejection.ts'
import type { FixtureModel } from '../graphs/gpt2_fixtures.ts'
import {
  fixture,
  fixtureModel,
  largestDifference,
  numbersOf,
  relativeDifference,
} from '../graphs/gpt2_fixtures.ts'
import type { RunData, SmallRuns } from './small_run.ts'
import { openSmallRuns, randomExamples, trainedTensors } from './small_run.ts'

describe('packing', () => {
  const examples = randomExamples(9, 'packing')
  const packs = packedRows(
    Int32Array.from(examples, ({ input_ids }) => input_ids.length),
    32,
  )
  const packed = Array.from({ length: packs.size }, (_, i) => packs.rows(i).map((row) => examples[row]!))
  /** In the order in which the packed sequences have them. */
  const alone = packed.flat().map((example) => [example])
  const feedsOf = (sequences: readonly (readonly EncodedExample[])[]) =>
    collate(sequences, { total: totalLabelled(examples) })

  async function setup(
    kind: 'full' | 'lora',
    model: FixtureModel,
  ): Promise<{ task: LanguageModel; trained: Feeds }> {
    if (kind === 'full')
      return { task: model, trained: tensorFeeds(await readTensors(fixture('model', 'model.safetensors'))) }
    const { tensors, ...lora } = await readPeftAdapter(fixture('lora', 'everywhere'))
    const trained = { ...tensorFeeds(tensors), ...loraScale(lora.lora_alpha / lora.r) }
    return { task: { ...model, lora }, trained }
  }

  for (const kind of ['full', 'lora'] as const) {
    it(`changes neither the loss of an example nor a gradient, ${kind}`, async () => {
      expect(packed.some((sequence) => sequence.length >= 3)).to.equal(true)
      const model = await fixtureModel()
      const { task, trained } = await setup(kind, model)
      const evaluation = await model.open(sftEvaluationGraph(task))
      const [single, together] = [
        numbersOf(await evaluation.run({ ...feedsOf(alone), ...trained })),
        numbersOf(await evaluation.run({ ...feedsOf(packed), ...trained })),
      ]
      expect(together['nll']!.length).to.equal(totalLabelled(examples))
      expect(relativeDifference(together['nll']!, single['nll']!)).to.be.at.most(1e-5)
      let at = 0
      for (const example of packed.flat()) {
        const labelled = totalLabelled([example])
        const mean = (nll: readonly number[]) =>
          nll.slice(at, at + labelled).reduce((sum, value) => sum + value, 0) / labelled
        expect(mean(together['nll']!) / mean(single['nll']!)).to.be.closeTo(1, 1e-5)
        at += labelled
      }

      // Numbered alike, the examples of a sequence would see each other.
      const mask = feedsOf(packed)['attention_mask']!
      const blind = { ...mask, data: (mask.data as BigInt64Array).map((number) => (number > 0n ? 1n : 0n)) }
      const mixed = numbersOf(await evaluation.run({ ...feedsOf(packed), attention_mask: blind, ...trained }))
      expect(largestDifference(mixed['nll']!, single['nll']!)).to.be.greaterThan(0.1)
      await evaluation.release()

      const training = await model.open(sftTrainingGraph(task))
      const gradients = numbersOf(await training.run({ ...feedsOf(alone), ...trained }))
      const ofPacked = numbersOf(await training.run({ ...feedsOf(packed), ...trained }))
      for (const [name, values] of Object.entries(gradients))
        expect(relativeDifference(ofPacked[name]!, values), name).to.be.at.most(1e-5)
      await training.release()
    })
  }

  describe('in training', () => {
    let runs: SmallRuns
    let data: RunData
    before(async () => {
      runs = await openSmallRuns('lora')
      data = {
        trainData: await runs.dataset('train', randomExamples(45, 'train')),
        validationData: await runs.dataset('validation', randomExamples(11, 'validation')),
      }
    })
    after(() => runs.release())
    const packing = { packing: true, learning_rate: 5e-3 }

    it('does the same by batch 1 × accumulation 8 and 8 × 1', async () => {
      const train = (batch: number, accumulation: number) =>
        runs.train(
          {
            ...packing,
            per_device_train_batch_size: batch,
            gradient_accumulation_steps: accumulation,
            max_steps: 20,
          },
          data,
        )
      const [whole, cut] = [await train(8, 1), await train(1, 8)]
      expect(whole.steps.length).to.equal(20)
      cut.steps.forEach(({ loss, grad_norm, ...same }, i) => {
        const step = whole.steps[i]!
        expect(loss, `loss of step ${step.step}`).to.be.closeTo(step.loss, 1e-4)
        expect(grad_norm, `gradient norm of step ${step.step}`).to.be.closeTo(step.grad_norm, 1e-4)
        expect(step).to.include(same)
      })
    })

    it('sees every token once an epoch, in fewer steps, each a mean over its labelled tokens', async () => {
      const options = { per_device_train_batch_size: 4, num_train_epochs: 1 }
      const [plain, together] = [
        await runs.train(options, data),
        await runs.train({ ...options, ...packing }, data),
      ]
      const tokens = ({ steps }: typeof plain) => steps.reduce((sum, step) => sum + step.tokens, 0)
      expect(tokens(together)).to.equal(tokens(plain))
      expect(plain.steps.length).to.equal(12)
      expect(together.steps.length).to.be.below(7)
      expect(together.state).to.include({ epoch: 1, batch: 0 })

      const all = { per_device_train_batch_size: 45, max_steps: 1 }
      const [apart, one] = [await runs.train(all, data), await runs.train({ ...all, packing: true }, data)]
      expect(one.steps[0]!.loss).to.be.closeTo(apart.steps[0]!.loss, 1e-5)
      expect(one.steps[0]!.grad_norm / apart.steps[0]!.grad_norm).to.be.closeTo(1, 1e-5)
    })

    it('goes on from a state in the middle of an epoch as if it had never stopped', async () => {
      const options = {
        ...packing,
        max_steps: 12,
        per_device_train_batch_size: 1,
        gradient_accumulation_steps: 2,
        learning_rate: 1e-2,
      }
      const whole = await runs.train(options, data)
      const memory = runs.memory(true)
      const logged: object[] = []
      const stop = new Error('stopped')
      await rejection(
        runs.train(options, data, {
          memory,
          log: (record) => {
            if ('loss' in record) logged.push(record)
            if (record.step === 7) throw stop
          },
        }),
      )
      const state = { ...initialState, global_step: 7, epoch: 0, batch: 7 }
      const second = await runs.train(options, data, { memory, state })
      expect(whole.state.epoch, 'an epoch has more than 7 and fewer than 12 steps').to.equal(1)
      expect([...logged, ...second.steps]).to.deep.equal(whole.steps)
      expect(trainedTensors(second)).to.deep.equal(trainedTensors(whole))
    })
  })
})
