/** @module */
import { languageModelTrainable } from '../../../graphs/models/language_model.ts'
import { neuroplasticEvaluationGraph, neuroplasticTrainingGraph } from '../../../graphs/tasks/neuroplastic.ts'
import { evenlySpread } from '../../data/examples/prompts_and_references.ts'
import { greedy } from '../../generation/sampling.ts'
import type { TokenGenerator } from '../../generation/token_generator.ts'
import { gradientDescent, totalSteps, trainingSequences } from '../../learning/gradient_descent.ts'
import type { Prompt, Response } from '../../learning/rollouts.ts'
import { responseOf } from '../../learning/rollouts.ts'
import { createClosing } from '../../runtime/closing.ts'
import { forEvaluation } from '../evaluation_metrics.ts'
import { asLanguageModel } from '../language_model.ts'
import { openDecoding } from '../open_decoding.ts'
import { runPrompts } from '../run_prompts.ts'
import type { TaskWork } from '../task.ts'
import { tryReward } from '../try_reward.ts'
import type { ResponseFigures } from './evaluation.ts'
import { evaluateLikelihood, evaluateResponses } from './evaluation.ts'
import { neuroplasticObjective } from './objective.ts'
import type { NeuroplasticOptions } from './options.ts'
import { createWriter } from './writer.ts'

export interface NeuroplasticFound extends ResponseFigures {
  /** Mean negative log-likelihood per labelled token, in nats. */
  readonly loss: number
  /** exp(loss). */
  readonly perplexity: number
  readonly labelledTokens: number
}

const responseLength = ({ max_new_tokens }: NeuroplasticOptions) => ({
  max_new_tokens,
  option: 'neuroplastic.max_new_tokens',
})

export const neuroplasticWork: TaskWork<object, NeuroplasticOptions, NeuroplasticFound> = {
  async check({ options, host }) {
    if (!options.reward) return
    const reward = await host.openReward(options.reward)
    await reward.release()
  },
  /** Reads the prompts that training will read, and tries a metric or a function on two of them. */
  async prepare(run) {
    for (const data of [run.trainData, run.validationData]) {
      const prompts = runPrompts(data, run, responseLength(run.options))
      const { reward } = run.options
      if (reward && !('model' in reward)) await tryReward(prompts, run.host, reward)
    }
  },
  graphs(request) {
    const model = asLanguageModel(request)
    return {
      trainable: () => languageModelTrainable(model),
      training: () => neuroplasticTrainingGraph(model),
      evaluation: () => neuroplasticEvaluationGraph(model),
    }
  },
  async train(run) {
    const { options, settings, trainData, validationData, parameters } = run
    const closing = createClosing()
    try {
      const writer = createWriter(closing.add(await openDecoding(run)), run)
      const reward = options.reward ? closing.add(await run.host.openReward(options.reward)) : undefined
      const prompts = runPrompts(trainData, run, responseLength(options))
      const validationPrompts = evenlySpread(
        runPrompts(validationData, run, responseLength(options)),
        options.eval_prompts,
      )
      const batchSize = settings.per_device_eval_batch_size
      return await gradientDescent({
        ...run,
        options: settings,
        objective: neuroplasticObjective({
          ...{ options, prompts, writer, reward, parameters },
          seed: settings.seed,
          steps: totalSteps(settings, trainingSequences(settings, trainData).size),
          training: run.training,
          gradients: Object.keys(run.tensors.gradients),
        }),
        async evaluate(parameters, watch) {
          const { loss, perplexity } = await evaluateLikelihood(
            run.evaluation,
            parameters,
            validationData,
            batchSize,
            watch,
          )
          const { figures, reward: found } = await evaluateResponses(
            run.evaluation,
            parameters,
            validationPrompts,
            {
              ...{ options, reward, batchSize, watch },
              write: writer.greedy,
            },
          )
          return { eval_loss: loss, ...forEvaluation({ perplexity, ...figures, reward: found }) }
        },
      })
    } finally {
      await closing.close()
    }
  },
  evaluation: {
    async find(model, data, run) {
      const { options, settings } = run
      const batchSize = settings.per_device_eval_batch_size
      const prompts = evenlySpread(runPrompts(data, run, responseLength(run.options)), options.eval_prompts)
      const generator = await model.generator()
      try {
        return await model.withGraph(
          (request) => neuroplasticEvaluationGraph(asLanguageModel(request)),
          async (session, parameters) => {
            const likelihood = await evaluateLikelihood(session, parameters, data, batchSize)
            // Without a reward of the user's own: code is run where a run is trained or judged by it.
            const { figures } = await evaluateResponses(session, parameters, prompts, {
              ...{ options: { ...options, reward: null }, reward: undefined, batchSize },
              write: (some) => greedily(generator, some, options),
            })
            return { ...likelihood, ...figures }
          },
        )
      } finally {
        await generator.release()
      }
    },
    figures: ({ examples, loss, perplexity, length, cosine, entropy, bleu, meteor }) => [
      ['examples', examples, 0],
      ['loss', loss, 4],
      ['perplexity per token', perplexity, 2],
      ['tokens per response', length, 1],
      ['cosine of prompt and response', cosine, 4],
      ['entropy per token', entropy, 3],
      ...(bleu === undefined ? [] : [['BLEU of responses', bleu, 4] as const]),
      ...(meteor === undefined ? [] : [['METEOR of responses', meteor, 4] as const]),
    ],
  },
}

async function greedily(
  generator: TokenGenerator,
  prompts: readonly Prompt[],
  { max_new_tokens }: NeuroplasticOptions,
): Promise<Response[]> {
  const written = await generator.generate(
    prompts.map(({ ids }) => ids),
    { ...greedy, max_new_tokens, seed: 0 },
  )
  const { tokenizer } = generator
  // What is shorter than it may be was ended.
  return written.map((tokens, i) => {
    const stop = tokens.length < max_new_tokens ? tokenizer.eosId : undefined
    return responseOf(prompts[i]!, { tokens, stop }, tokenizer)
  })
}
