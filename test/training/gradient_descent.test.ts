import { expect } from 'chai'

import { UserError } from '../../src/errors.ts'
import type { GradientDescentRun } from '../../src/learning/gradient_descent.ts'
import { totalSteps } from '../../src/learning/gradient_descent.ts'
import { parameterFeeds } from './memory.ts'
import { evaluateSft } from '../../src/tasks/sft.ts'
import { trainingOptionsSchema } from '../../src/learning/options.ts'
import { learningRate } from '../../src/learning/schedule.ts'
import { rejection } from '../rejection.ts'
import type { Outcome, RunData, SmallRuns } from './small_run.ts'
import { openSmallRuns, randomExamples, trainedTensors } from './small_run.ts'

describe('gradient descent', () => {
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

  for (const kind of ['lora', 'full'] as const) {
    it(`does the same by batch 1 × accumulation 8, 2 × 4 and 8 × 1, ${kind}`, async () => {
      const opened = await openSmallRuns(kind)
      const train = (batch: number, accumulation: number) =>
        opened.train(
          {
            per_device_train_batch_size: batch,
            gradient_accumulation_steps: accumulation,
            max_steps: 20,
            learning_rate: 5e-3,
            weight_decay: 0.01,
          },
          data,
        )
      const whole = await train(8, 1)
      expect(whole.steps.length).to.equal(20)
      for (const cut of [await train(1, 8), await train(2, 4)]) {
        cut.steps.forEach((step, i) => {
          const { loss, grad_norm, ...same } = whole.steps[i]!
          expect(step.loss, `loss of step ${step.step}`).to.be.closeTo(loss, 1e-4)
          expect(step.grad_norm, `gradient norm of step ${step.step}`).to.be.closeTo(grad_norm, 1e-4)
          expect(step).to.include(same)
        })
        expect(cut.state).to.deep.equal({ ...whole.state, best_metric: cut.state.best_metric })
      }
      const { loss } = (await train(3, 3)).steps[0]!
      expect(Math.abs(loss - whole.steps[0]!.loss), 'with one example more').to.be.greaterThan(1e-3)
      await opened.release()
    })
  }

  it('reports the mean loss per labelled token of a step', async () => {
    const { steps } = await runs.train({ per_device_train_batch_size: 45, max_steps: 1 }, data)
    const feeds = { ...parameterFeeds(runs.memory()), ...runs.constants }
    const { loss } = await evaluateSft(runs.evaluation, feeds, data.trainData, 1)
    expect(steps[0]!.loss).to.be.closeTo(loss, 1e-6)
  })

  it('sees every token of the data once an epoch, in an order of its own', async () => {
    const { steps, state } = await runs.train({ num_train_epochs: 2, per_device_train_batch_size: 4 }, data)
    const perEpoch = data.trainData.lengths.reduce((sum, length) => sum + length, 0)
    expect(steps.length).to.equal(24)
    for (const epoch of [steps.slice(0, 12), steps.slice(12)])
      expect(epoch.reduce((sum, { tokens }) => sum + tokens, 0)).to.equal(perEpoch)
    expect(steps.slice(0, 12).map(({ tokens }) => tokens)).not.to.deep.equal(
      steps.slice(12).map(({ tokens }) => tokens),
    )
    expect(steps[11]!.epoch).to.equal(1)
    expect(state).to.include({ global_step: 24, epoch: 2, batch: 0 })
  })

  it('ends an epoch with the rows that are left, and counts steps by it', async () => {
    const options = trainingOptionsSchema.parse({
      per_device_train_batch_size: 4,
      gradient_accumulation_steps: 5,
    })
    expect(totalSteps({ ...options, num_train_epochs: 2 }, 45)).to.equal(6)
    expect(totalSteps({ ...options, num_train_epochs: 0.1 }, 45)).to.equal(1)
    expect(totalSteps({ ...options, max_steps: 4 }, 45)).to.equal(4)
    const { steps } = await runs.train(
      { per_device_train_batch_size: 4, gradient_accumulation_steps: 5, num_train_epochs: 1 },
      data,
    )
    expect(steps.length).to.equal(3)
    expect(steps.at(-1)!.epoch).to.equal(1)
  })

  it('follows the schedule, from a warm-up in steps or as a fraction', async () => {
    for (const warmup of [{ warmup_steps: 3 }, { warmup_ratio: 0.25 }]) {
      const { steps } = await runs.train(
        { max_steps: 12, learning_rate: 1e-3, lr_scheduler_type: 'cosine', ...warmup },
        data,
      )
      steps.forEach(({ learning_rate }, i) =>
        expect(learning_rate).to.equal(
          learningRate({ name: 'cosine', peak: 1e-3, warmupSteps: 3, totalSteps: 12 }, i),
        ),
      )
    }
  })

  it('evaluates and saves when it is told to, and always at the end', async () => {
    const when = async (options: object) => {
      const { evaluations, saved } = await runs.train({ max_steps: 10, ...options }, data)
      return {
        evaluations: evaluations.map(({ step }) => step),
        last: saved.filter(({ name }) => name === 'last').map(({ step }) => step),
      }
    }
    // 45 rows make 6 batches of 8 an epoch.
    expect(await when({})).to.deep.equal({ evaluations: [0, 6, 10], last: [6, 10] })
    expect(await when({ eval_steps: 4 })).to.deep.equal({ evaluations: [0, 4, 8, 10], last: [4, 8, 10] })
    expect(await when({ eval_steps: 4, save_steps: 3 })).to.deep.equal({
      evaluations: [0, 4, 8, 10],
      last: [3, 6, 9, 10],
    })
  })

  it('keeps the best checkpoint and stops when it has not improved for long enough', async () => {
    // Random labels cannot be learned: the validation loss rises as the training data are learned by heart.
    const options = { max_steps: 200, eval_steps: 2, learning_rate: 3e-2, early_stopping_patience: 3 }
    const { state, evaluations: told, saved, steps } = await runs.train(options, data)
    const [before, ...evaluations] = told
    expect(before).to.include({ step: 0, best: false })
    const losses = evaluations.map(({ eval_loss }) => eval_loss)
    const best = losses.indexOf(Math.min(...losses))
    expect(steps.length).to.equal(state.global_step).and.to.be.below(200)
    expect(best).to.equal(losses.length - 4)
    expect(state).to.include({
      best_metric: losses[best],
      best_step: 2 * (best + 1),
      evaluations_without_improvement: 3,
    })
    expect(evaluations.map(({ best }) => best).lastIndexOf(true)).to.equal(best)
    expect(saved.filter(({ name }) => name === 'best').at(-1)).to.deep.equal({
      name: 'best',
      step: state.best_step,
    })
    expect(saved.at(-1)).to.deep.equal({ name: 'last', step: state.global_step })

    const again = await runs.train(options, data, { state })
    expect(again.steps, 'a run that has stopped stays stopped').to.be.empty
    expect(again.state).to.deep.equal(state)
  })

  it('goes on from a state in the middle of an epoch as if it had never stopped', async () => {
    const options = {
      max_steps: 12,
      per_device_train_batch_size: 2,
      gradient_accumulation_steps: 2,
      learning_rate: 1e-2,
    }
    const whole = await runs.train(options, data)
    const memory = runs.memory(true)
    const first: Outcome['steps'][number][] = []
    const stop = new Error('stopped')
    await rejection(
      runs.train(options, data, {
        memory,
        log: (record) => {
          if ('loss' in record) first.push(record)
          if (record.step === 7) throw stop
        },
      }),
    )
    const second = await runs.train(options, data, {
      memory,
      state: { ...whole.state, global_step: 7, epoch: 0, batch: 7, best_metric: null, best_step: null },
    })
    expect([...first, ...second.steps]).to.deep.equal(whole.steps)
    expect(trainedTensors(second)).to.deep.equal(trainedTensors(whole))
  })

  it('stops at a loss that is no number, naming the step, and changes nothing', async () => {
    const memory = runs.memory()
    const [name] = memory.names as [string]
    memory.views(name).parameter[0] = NaN
    const before = Float32Array.from(memory.views(memory.names[1]!).parameter)
    const error = await rejection(runs.train({ max_steps: 3 }, data, { memory }))
    expect(error).to.be.instanceOf(UserError)
    expect(error.message).to.match(/^the loss is NaN at step 1/)
    expect(memory.views(memory.names[1]!).parameter).to.deep.equal(before)
  })

  it('stops at a gradient that is no number, naming step and tensor, and changes nothing', async () => {
    const memory = runs.memory()
    const name = memory.names[2]!
    const training: GradientDescentRun['training'] = {
      ...runs.training,
      async run(feeds, options) {
        const outputs = await runs.training.run(feeds, options)
        if (++calls === 2) memory.views(name).gradient[1] = Infinity
        return outputs
      },
    }
    let calls = 0
    let afterFirst: number[] = []
    const error = await rejection(
      runs.train({ max_steps: 3 }, data, {
        memory,
        training,
        log: () => (afterFirst = [...memory.views(memory.names[0]!).parameter]),
      }),
    )
    expect(error).to.be.instanceOf(UserError)
    expect(error.message).to.contain(name).and.to.contain('step 2')
    expect([...memory.views(memory.names[0]!).parameter]).to.deep.equal(afterFirst)
  })

  it('stops at a validation loss that is no number, naming the step, and saves nothing', async () => {
    const evaluate = async () => ({ eval_loss: NaN })
    const saved: string[] = []
    const save = async (name: string) => void saved.push(name)
    const error = await rejection(runs.train({ max_steps: 3 }, data, { evaluate, save }))
    expect(error.message).to.match(/^the validation loss is NaN at step 3/)
    expect(saved).to.be.empty
  })

  it('measures the same validation loss whatever the batch size', async () => {
    const feeds = { ...parameterFeeds(runs.memory()), ...runs.constants }
    const measure = (batchSize: number) => evaluateSft(runs.evaluation, feeds, data.validationData, batchSize)
    const one = await measure(1)
    const labelled = randomExamples(11, 'validation').flatMap(({ labels }) =>
      [...labels.slice(1)].filter((id) => id >= 0),
    )
    expect(one.labelledTokens).to.equal(labelled.length)
    expect(one.perplexity).to.equal(Math.exp(one.loss))
    for (const batchSize of [2, 3, 11, 64]) {
      const { loss, labelledTokens } = await measure(batchSize)
      expect(loss).to.be.closeTo(one.loss, 1e-6)
      expect(labelledTokens).to.equal(one.labelledTokens)
    }
  })
})
