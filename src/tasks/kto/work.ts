/** @module */
import type { DataSet } from '../../data/sets/data_set.ts'
import { UserError } from '../../errors.ts'
import { gradientDescent } from '../../learning/gradient_descent.ts'
import { orAsItWas, preparing } from '../../learning/interrupted.ts'
import { forEvaluation } from '../evaluation_metrics.ts'
import type { OpenRun, TaskWork } from '../task.ts'
import { evaluationGraph, ktoGraphs } from './graphs.ts'
import type { KtoEvaluation, MeasuredReference } from './kto.ts'
import { evaluateKto, ktoObjective, logProbabilitiesOf, measureReference } from './kto.ts'
import type { KtoGraphOptions, KtoOptions } from './options.ts'
import { MARGINS } from './options.ts'
import type { OpenReference } from './reference.ts'
import { openReference } from './reference.ts'

/** Whether z₀ is estimated. */
const isAnchored = ({ loss_type }: KtoOptions): boolean => loss_type === 'kto'

export const ktoWork: TaskWork<KtoGraphOptions, KtoOptions, KtoEvaluation> = {
  async check({ options, settings, host }) {
    const rows = settings.per_device_train_batch_size * settings.gradient_accumulation_steps
    if (isAnchored(options) && rows === 1)
      throw new UserError(
        'task kto compares each row with the other rows of its step, and per_device_train_batch_size and gradient_accumulation_steps make steps of 1 row; raise one of them, or set kto.loss_type to apo_zero_unpaired',
      )
    if (options.ref_model !== null) await host.checkModel(options.ref_model, 'kto.ref_model')
  },
  async prepare({ settings, validationData }) {
    if (settings.metric_for_best_model !== MARGINS) return
    const kinds = new Set(
      Array.from({ length: validationData.size }, (_, i) => validationData.row(i).desirable),
    )
    if (kinds.size === 2) return
    throw new UserError(
      `the validation data has ${kinds.has(true) ? 'desirable' : 'undesirable'} rows alone, which have no ${MARGINS}; add rows of the other kind, or choose eval_loss`,
    )
  },
  graphs: ktoGraphs,
  async train(run) {
    const { trainData, validationData, settings, options, evaluation, parameters } = run
    const reference = await openReference(run, [trainData, validationData], run)
    const validationOptions = {
      batchSize: settings.per_device_eval_batch_size,
      longest: longestMismatched(validationData, reference),
    }
    try {
      return await orAsItWas(run, async () => {
        const measured = await measureValidation(run, reference, validationOptions)
        return gradientDescent({
          ...run,
          options: settings,
          objective: ktoObjective({
            policy: logProbabilitiesOf(evaluation, parameters),
            reference: reference.logProbabilities,
            anchored: isAnchored(options),
            batchSize: settings.per_device_train_batch_size,
            longest: longestMismatched(trainData, reference),
          }),
          async evaluate(given, watch) {
            const watched = { ...validationOptions, watch }
            const found = await evaluateKto(evaluation, given, validationData, measured, watched)
            return { eval_loss: found.loss, ...forEvaluation({ kl: found.kl, ...found.metrics }) }
          },
        })
      })
    } finally {
      await reference.release()
    }
  },
  evaluation: {
    async find(model, data, run) {
      const reference = await openReference(run, [data])
      const options = {
        batchSize: run.settings.per_device_eval_batch_size,
        longest: longestMismatched(data, reference),
      }
      const anchored = isAnchored(run.options)
      let measured: MeasuredReference
      try {
        measured = await measureReference(reference.logProbabilities, data, { ...options, anchored })
      } finally {
        // So that it is not in memory beside the policy.
        await reference.release()
      }
      return model.withGraph(evaluationGraph(run.options), async (session, parameters) => {
        return evaluateKto(session, parameters, data, measured, options)
      })
    },
    figures: ({ examples, loss, kl, metrics }) => [
      ['answers', examples, 0],
      ['loss', loss, 4],
      ['kl', kl, 4],
      ...Object.entries(metrics).map(([name, value]) => [name, value, 4] as const),
    ],
  },
}

/** A mismatched row may be as long as rows of the data may be and as the reference can read. */
const longestMismatched = ({ maxLength }: DataSet, { context }: OpenReference): number =>
  Math.min(maxLength, context)

/** What the reference says of the validation data, once for all evaluations. */
async function measureValidation(
  { options, validationData, listeners, signal }: OpenRun<KtoOptions>,
  { logProbabilities }: OpenReference,
  given: { readonly batchSize: number; readonly longest: number },
): Promise<MeasuredReference> {
  const anchored = isAnchored(options)
  const tell = preparing({ listeners, signal }, 'the reference has read rows')
  const total = anchored ? 2 * validationData.size : validationData.size
  let done = 0
  return measureReference(logProbabilities, validationData, {
    ...given,
    anchored,
    onRows: (rows) => tell((done += rows), total),
  })
}
