/** @module */
import { languageModelTrainable } from '../../../graphs/models/language_model.ts'
import { dpoEvaluationGraph, dpoTrainingGraph } from '../../../graphs/tasks/dpo.ts'
import { UserError } from '../../errors.ts'
import { gradientDescent } from '../../learning/gradient_descent.ts'
import { orAsItWas } from '../../learning/interrupted.ts'
import { forEvaluation } from '../evaluation_metrics.ts'
import { asLanguageModel } from '../language_model.ts'
import { pairFigures, pairsRefuse, rewardsCurves } from '../pairs.ts'
import type { GraphRequest, Task } from '../task.ts'
import type { DpoEvaluation } from './dpo.ts'
import type { DpoGraphOptions, DpoOptions } from './options.ts'
import { dpoGraphOptions, dpoOptions } from './options.ts'

/** Losses that know of pairs the wrong way round. */
const SMOOTHED: readonly DpoOptions['loss_type'][] = ['sigmoid', 'robust']

const graphTask = (request: GraphRequest, dpo: DpoGraphOptions) => ({ ...asLanguageModel(request), dpo })

/** What the policy's reference is opened with. */
export const referenceGraph = (options: DpoGraphOptions) => ({
  key: 'dpo',
  build: (request: GraphRequest) => dpoEvaluationGraph(graphTask(request, options)),
})

/** Loaded when something is trained or judged. */
const parts = () => Promise.all([import('./dpo.ts'), import('./reference.ts')])

export const dpo: Task<DpoGraphOptions, DpoOptions, DpoEvaluation> = {
  summary: 'learn a policy from pairs of answers, without a reward model',
  options: dpoOptions,
  graphOptions: dpoGraphOptions,
  learnsFrom: 'preference',
  head: 'language',
  metrics: ['eval_rewards/accuracies', 'eval_rewards/margins'],
  rates: { adapters: 0.25, full: 0.25 },
  refuses: pairsRefuse('dpo'),
  located: ({ ref_model, ...options }, absolute) => ({
    ...options,
    ref_model: ref_model === null ? null : absolute(ref_model),
  }),
  async check(run) {
    const { label_smoothing, loss_type } = run.options
    if (label_smoothing > 0 && !SMOOTHED.includes(loss_type))
      throw new UserError(
        `dpo.label_smoothing has no place in the loss ${loss_type}; leave it out, or choose ${SMOOTHED.join(' or ')}`,
      )
    const { checkReference } = await import('./reference.ts')
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
      const [{ dpoObjective, evaluateDpo }, { trainingReference }] = await parts()
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
      const [{ evaluateDpo }, { referenceOf }] = await parts()
      const reference = await referenceOf(run, referenceGraph(run.options), data)
      return model.withGraph(referenceGraph(run.options).build, async (session, parameters) => {
        const { per_device_eval_batch_size: size } = run.settings
        return evaluateDpo(session, parameters, data, reference, size)
      })
    },
    figures: pairFigures,
  },
  curves: rewardsCurves('pairs where the chosen answer gains more'),
}
