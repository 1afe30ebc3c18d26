/**
 * What tests ask of the training of every task that learns from pairs without a reference.
 * @module
 */
import { expect } from 'chai'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { languageModelTrainable } from '../../graphs/models/language_model.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import { continueRun } from '../../src/runs/continue.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import type { Tensors } from '../../src/runtime/session.ts'
import type { ReferenceFreeEvaluation } from '../../src/tasks/reference_free.ts'
import type { TaskName } from '../../src/tasks/index.ts'
import { taskNamed } from '../../src/tasks/index.ts'
import { evaluateReferenceFree, referenceFreeObjective } from '../../src/tasks/reference_free.ts'
import { userError, withFolder } from '../data/helpers.ts'
import { fixture, fixtureModel, largestDifference } from '../graphs/gpt2_fixtures.ts'
import type { Case } from '../graphs/reference_free_cases.ts'
import { parameterFeeds } from './memory.ts'
import { randomPairs } from './preference_pairs.ts'
import type { RunData, SmallRuns } from './small_run.ts'
import { openRuns } from './small_run.ts'
import { createTinyRun } from './tiny_run.ts'

type Kind = 'lora' | 'full'

/** Runs on the fixture model, with the parameters that they start from. */
async function openCase<Options extends object>(
  { learns, training, evaluation }: Case<Options>,
  options: Options,
  kind: Kind,
): Promise<SmallRuns & { readonly parameters: Tensors }> {
  const model = await fixtureModel()
  const { tensors, ...lora } = await readPeftAdapter(fixture('lora', 'attention'))
  const task = { ...model, lora: kind === 'full' ? ('full' as const) : lora }
  const constants = kind === 'full' ? {} : loraScale(lora.lora_alpha / lora.r)
  const runs = await openRuns(model, {
    trainable: languageModelTrainable(task),
    training: training(task, options),
    evaluation: evaluation(task, options),
    objective: referenceFreeObjective(learns),
    judge: async (session, parameters, data) => {
      const { loss, metrics } = await evaluateReferenceFree(session, parameters, data, learns, 4)
      return { eval_loss: loss, 'eval_rewards/accuracies': metrics['rewards/accuracies'] }
    },
    initial: kind === 'full' ? await readTensors(fixture('model', 'model.safetensors')) : tensors,
    constants,
    classes: [],
  })
  return { ...runs, parameters: { ...parameterFeeds(runs.memory()), ...constants } }
}

const metricNames = <Options extends object>({ learns }: Case<Options>): readonly string[] => [
  ...['rewards/chosen', 'rewards/rejected', 'rewards/accuracies', 'rewards/margins'],
  ...['logps/chosen', 'logps/rejected', 'nll_loss', ...learns.perPair],
]

/** Steps on the fixture model: cut into micro-batches, judged in batches, and learning. */
export function describeTraining<Options extends object>(tested: Case<Options>, options: Options): void {
  const names = metricNames(tested)
  const metricsOf = (record: object): number[] =>
    names.map((name) => (record as Record<string, number>)[name]!)

  describe(`${tested.name}, trained`, () => {
    let runs: Awaited<ReturnType<typeof openCase>>
    let data: RunData
    before(async () => {
      runs = await openCase(tested, options, 'lora')
      data = {
        trainData: await runs.dataset('train', randomPairs(30, 'train')),
        validationData: await runs.dataset('validation', randomPairs(9, 'validation')),
      }
    })
    after(() => runs.release())

    for (const kind of ['lora', 'full'] as const) {
      it(`does the same by batch 4 × accumulation 1, 2 × 2 and 1 × 4, ${kind}`, async () => {
        const opened = await openCase(tested, options, kind)
        const learn = (batch: number, accumulation: number) =>
          opened.train(
            {
              per_device_train_batch_size: batch,
              gradient_accumulation_steps: accumulation,
              max_steps: 15,
              learning_rate: 5e-3,
            },
            data,
          )
        const whole = await learn(4, 1)
        expect(whole.steps.length).to.equal(15)
        for (const cut of [await learn(2, 2), await learn(1, 4)]) {
          cut.steps.forEach((step, i) => {
            const wanted = whole.steps[i]!
            expect(step.loss, `loss of step ${step.step}`).to.be.closeTo(wanted.loss, 1e-4)
            expect(step.grad_norm, `norm of step ${step.step}`).to.be.closeTo(
              wanted.grad_norm,
              1e-3 * (1 + wanted.grad_norm),
            )
            const strayed = largestDifference(metricsOf(step), metricsOf(wanted))
            expect(strayed, `metrics of step ${step.step}`).to.be.below(1e-3)
          })
        }
        await opened.release()
      })
    }

    it('judges the same whatever the batch size, as one batch of all', async () => {
      const judge = (batchSize: number): Promise<ReferenceFreeEvaluation<string>> =>
        evaluateReferenceFree(runs.evaluation, runs.parameters, data.validationData, tested.learns, batchSize)
      const whole = await judge(9)
      for (const batchSize of [1, 2, 4, 20]) {
        const { loss, metrics } = await judge(batchSize)
        expect(loss).to.be.closeTo(whole.loss, 1e-5)
        expect(largestDifference(metricsOf(metrics), metricsOf(whole.metrics))).to.be.below(1e-4)
      }
    })

    it('learns which answers are preferred', async () => {
      const seen = { ...data, validationData: data.trainData }
      const { evaluations, steps } = await runs.train(
        { max_steps: 80, per_device_train_batch_size: 10, learning_rate: 1e-2 },
        seen,
      )
      expect(evaluations.at(-1)!['eval_rewards/accuracies']).to.be.greaterThan(0.9)
      expect(steps.at(-1)!.loss).to.be.below(steps[0]!.loss)
      expect(metricsOf(steps.at(-1)!)[3]).to.be.greaterThan(metricsOf(steps[0]!)[3]!)
    })
  })
}

const rows = [
  { prompt: 'a dog is', chosen: ' an animal', rejected: ' a thing' },
  { prompt: 'the sea is', chosen: ' water', rejected: ' a kind of a kind' },
  { prompt: 'a hill is', chosen: ' a small mountain', rejected: ' up' },
  { prompt: 'a lamp', chosen: ' gives light', rejected: ' it it it' },
]

/**
 * Runs in folders.
 *
 * @param wrong options that are refused, and what the error says of them
 */
export function describeRun(task: TaskName, wrong: readonly (readonly [object, RegExp])[]): void {
  const create = (folder: string, config: object = {}) =>
    createTinyRun(folder, rows, {
      task,
      max_steps: 6,
      eval_steps: 2,
      save_steps: 3,
      per_device_train_batch_size: 2,
      learning_rate: 1e-3,
      ...config,
    })
  const readLog = async (run: string) =>
    (await readFile(join(run, 'log.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, number>>)

  describe(`a run of task ${task}`, () => {
    for (const lora of [undefined, 'full'] as const) {
      it(`is judged as its log says, and better than before: ${lora ?? 'adapters'}`, async () => {
        await withFolder(async (folder) => {
          const { run } = await create(folder, lora ? { lora } : {})
          await continueRun(run)
          const [before, after] = [
            await evaluateRun(run, 'validation', 'base'),
            await evaluateRun(run, 'validation', 'last'),
          ] as unknown as [ReferenceFreeEvaluation, ReferenceFreeEvaluation]
          const logged = (await readLog(run)).at(-1)!
          expect(after.loss).to.be.closeTo(logged['eval_loss']!, 1e-5)
          for (const [name, value] of Object.entries(after.metrics))
            expect(value, name).to.be.closeTo(logged[`eval_${name}`]!, 1e-5)
          expect(after.loss).to.be.below(before.loss)
          expect(after.metrics['rewards/margins']).to.be.greaterThan(before.metrics['rewards/margins'])
        })
      })
    }

    it('goes on after an interruption to the same bytes', async () => {
      await withFolder(async (folder) => {
        const { run: whole } = await create(join(folder, 'whole'))
        await continueRun(whole)
        const { run: interrupted } = await create(join(folder, 'interrupted'))
        const stopped = await continueRun(interrupted, {
          step: ({ step }) => {
            if (step === 4) throw new Error('the power is gone')
          },
        }).catch((error: unknown) => String(error))
        expect(stopped).to.match(/the power is gone/)
        await continueRun(interrupted)
        const files = ['adapter_model.safetensors', 'trainer_state.json']
        for (const file of [...files.map((name) => join('checkpoints', 'last', name)), 'log.jsonl'])
          expect(await readFile(join(interrupted, file)), file).to.deep.equal(
            await readFile(join(whole, file)),
          )
      })
    })

    it('refuses what does not go with it', async () => {
      await withFolder(async (folder) => {
        const refused = (config: object) => userError(() => create(folder, config))
        expect(await refused({ packing: true })).to.match(
          new RegExp(
            `packing is not for task ${task}, where the answers of a pair share their prompt already`,
          ),
        )
        expect(await refused({ lora: 'none' })).to.match(
          new RegExp(`lora "none" leaves the policy of task ${task} as it is; train lora or full`),
        )
        for (const [options, says] of wrong)
          expect(taskNamed(task).options.safeParse(options).error?.message).to.match(says)
      })
    })
  })
}
