/** @module */
import { languageModelTrainable } from '../../../graphs/models/language_model.ts'
import { dpoEvaluationGraph, dpoTrainingGraph } from '../../../graphs/tasks/dpo.ts'
import { UserError } from '../../errors.ts'
import { gradientDescent } from '../../learning/gradient_descent.ts'
import { orAsItWas } from '../../learning/interrupted.ts'
import { forEvaluation } from '../evaluation_metrics.ts'
import { asLanguageModel } from '../language_model.ts'
import { pairFigures } from '../pairs.ts'
import type { GraphRequest, TaskWork } from '../task.ts'
import type { DpoEvaluation } from './dpo.ts'
import { dpoObjective, evaluateDpo } from './dpo.ts'
import type { DpoGraphOptions, DpoOptions } from './options.ts'
import { checkReference, referenceOf, trainingReference } from './reference.ts'

/** Losses that know of pairs the wrong way round. */
const SMOOTHED: readonly DpoOptions['loss_type'][] = ['sigmoid', 'robust']

const graphTask = (request: GraphRequest, dpo: DpoGraphOptions) => ({ ...asLanguageModel(request), dpo })

/** What the policy's reference is opened with. */
export const referenceGraph = (options: DpoGraphOptions) => ({
  key: 'dpo',
  build: (request: GraphRequest) => dpoEvaluationGraph(graphTask(request, options)),
})

export const dpoWork: TaskWork<DpoGraphOptions, DpoOptions, DpoEvaluation> = {
  async check(run) {
    const { label_smoothing, loss_type } = run.options
    if (label_smoothing > 0 && !SMOOTHED.includes(loss_type))
      throw new UserError(
        `dpo.label_smoothing has no place in the loss ${loss_type}; leave it out, or choose ${SMOOTHED.join(' or ')}`,
      )
    await checkReference(run, 'dpo')
  },
  graphs(request, options) {
    const task = graphTask(request, options)
    return {
      trainable: () => languageModelTrainable(task),
      training: () => dpoTrainingGraph(task),
      evaluation: () => dpoEvaluationGraph(task),
    }
  },
  train: (run) =>
    orAsItWas(run, async () => {
      const { train, validation } = await trainingReference(
        { ...run, policy: run },
        referenceGraph(run.options),
      )
      return gradientDescent({
        ...run,
        options: run.settings,
        objective: dpoObjective(train),
        async evaluate(parameters, watch) {
          const { per_device_eval_batch_size: size } = run.settings
          const { loss, metrics } = await evaluateDpo(
            run.evaluation,
            parameters,
            run.validationData,
            validation,
            size,
            watch,
          )
          return { eval_loss: loss, ...forEvaluation(metrics) }
        },
      })
    }),
  evaluation: {
    async find(model, data, run) {
      const reference = await referenceOf(run, referenceGraph(run.options), data)
      return model.withGraph(referenceGraph(run.options).build, async (session, parameters) => {
        const { per_device_eval_batch_size: size } = run.settings
        return evaluateDpo(session, parameters, data, reference, size)
      })
    },
    figures: pairFigures,
  },
}
