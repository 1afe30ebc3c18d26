import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'chai'

import { judge } from '../../src/evaluation/judge.ts'
import { evaluateRun } from '../../src/evaluation/evaluate_run.ts'
import type { Listener } from '../../src/learning/listeners.ts'
import { inspect } from '../../src/report/inspection.ts'
import { continueCurriculum } from '../../src/runs/curriculum/continue.ts'
import { createCurriculum } from '../../src/runs/curriculum/create.ts'
import { readCurriculum } from '../../src/runs/curriculum/kept.ts'
import { readConfig } from '../../src/runs/read_config.ts'
import { TASK_NAMES, taskNamed } from '../../src/tasks/index.ts'
import { withFolder } from '../data/helpers.ts'
import { rejection } from '../rejection.ts'
import { cases } from '../tasks/cases.ts'
import { writeTinyModel } from '../tiny_model.ts'
import type { Line } from '../log_lines.ts'
import { linesOf } from '../log_lines.ts'
import { expectSameBytes } from './small.ts'

const common = {
  ...{ threads: 1, learning_rate: 1e-3, lora: { r: 4, lora_alpha: 8 } },
  ...{ per_device_train_batch_size: 2, eval_steps: 1, save_steps: 1 },
}

const stages = [
  { name: 'some', filter: 'n < 3', max_steps: 2 },
  { name: 'all', max_steps: 3 },
]

const stopAfter = (step: number): Listener => ({
  step: (record) => {
    if (record.step === step) throw new Error('stopped')
  },
})

describe('stages of every task', function () {
  this.timeout(120_000)
  for (const task of TASK_NAMES)
    it(`${task}: each begins where the best of the one before stood, and goes on to the same bytes`, () =>
      withFolder(async (folder) => {
        const { rows, config } = cases[task]
        const at = (name: string) => join(folder, name)
        await writeTinyModel(at('model'))
        await writeFile(at('rows.jsonl'), rows.map((row, n) => `${JSON.stringify({ ...row, n })}\n`).join(''))
        const data = ['train', 'validation'].map((all) => ({ path: at('rows.jsonl'), split: { all } }))
        const create = async (name: string) => {
          await mkdir(at(name))
          const given = { model: at('model'), data, ...common, ...config, task, stages }
          const curriculum = { validation: 'all' }
          await createCurriculum(readConfig({ ...given, curriculum, output_dir: join(at(name), 'run') }))
          return join(at(name), 'run')
        }

        const whole = await create('whole')
        const { finished, visits } = await continueCurriculum(whole)
        expect([finished, visits.map(({ global_step }) => global_step)]).to.deep.equal([true, [2, 3]])
        const [first, second] = visits.map(({ run }) => join(whole, 'stages', run)) as [string, string]
        // All stages are evaluated on the same rows, so that a start is judged as the best checkpoint was.
        const start = (await linesOf(second)).find((line) => line['step'] === 0)!
        expect(start['eval_loss']).to.be.a('number')
        expect(start['eval_loss']).to.equal(visits[0]!.best_metric)
        const settings = JSON.parse(await readFile(join(first, 'training.json'), 'utf8')) as Line
        expect(settings['stages']).to.equal(null)

        const stopped = await create('stopped')
        for (const [stage, step] of [
          ['some', 1],
          ['all', 2],
        ] as const) {
          const watch = ({ name }: { name: string }) => (name === stage ? stopAfter(step) : {})
          expect((await rejection(continueCurriculum(stopped, { watch }))).message).to.equal('stopped')
          expect((await readCurriculum(stopped)).visits).to.have.length(stage === 'some' ? 0 : 1)
        }
        const rest = await continueCurriculum(stopped)
        expect(rest.visits).to.deep.equal(visits)
        await expectSameBytes(stopped, whole)

        if ('instead' in (await taskNamed(task).work()).evaluation) {
          const judgement = await judge({ run: whole, split: 'validation', prompts: 2 })
          expect(judgement.policies).to.have.length(2)
        } else {
          const evaluation = await evaluateRun(whole, 'validation')
          expect(evaluation).to.deep.equal(await evaluateRun(second, 'validation'))
          expect(evaluation.task).to.equal(task)
        }
        const { models } = await inspect(whole)
        expect(Object.keys(models)).to.include('training_model.onnx')
      }))

  it('neuroplastic: λ falls over the steps of a stage, and begins anew in the next one', () =>
    withFolder(async (folder) => {
      const { rows, config } = cases.neuroplastic
      const [model, path, output_dir] = ['model', 'rows.jsonl', 'run'].map((name) => join(folder, name))
      await writeTinyModel(model!)
      await writeFile(path!, rows.map((row, n) => `${JSON.stringify({ ...row, n })}\n`).join(''))
      const data = ['train', 'validation'].map((all) => ({ path, split: { all } }))
      const neuroplastic = { target_length: 3, max_new_tokens: 6, lambda_reward: 0.4 }
      const lower = { ...stages[1], neuroplastic: { ...neuroplastic, lambda_reward: 0.3 } }
      const given = { ...common, ...config, model, output_dir, data, task: 'neuroplastic', neuroplastic }
      await createCurriculum(readConfig({ ...given, stages: [stages[0], lower] }))
      const { visits } = await continueCurriculum(output_dir!)
      const lambdas: number[][] = []
      for (const { run } of visits) {
        const lines = await linesOf(join(output_dir!, 'stages', run))
        lambdas.push(lines.flatMap((line) => (line['terms/lambda'] as number | undefined) ?? []))
      }
      for (const [i, expected] of [
        [0.4, 0.2],
        [0.3, 0.2, 0.1],
      ].entries()) {
        expect(lambdas[i]).to.have.length(expected.length)
        for (const [step, lambda] of expected.entries())
          expect(lambdas[i]![step], `stage ${i + 1}, step ${step + 1}`).to.be.closeTo(lambda, 1e-12)
      }
    }))
})
