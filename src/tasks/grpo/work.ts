/** @module */
import type { GrpoLoss } from '../../../graphs/losses/grpo.ts'
import { languageModelTrainable } from '../../../graphs/models/language_model.ts'
import { grpoEvaluationGraph, grpoTrainingGraph } from '../../../graphs/tasks/grpo.ts'
import { evenlySpread } from '../../data/examples/prompts_and_references.ts'
import { precisionType } from '../../formats/precision.ts'
import { openRewards } from '../../rewards/weighted_rewards.ts'
import { createClosing } from '../../runtime/closing.ts'
import { asLanguageModel } from '../language_model.ts'
import { openDecoding } from '../open_decoding.ts'
import { runPrompts } from '../run_prompts.ts'
import type { GraphRequest, TaskWork } from '../task.ts'
import { tryReward } from '../try_reward.ts'
import type { Estimator } from './estimator.ts'
import { grpoEstimator, grpoLossOf, rlooEstimator, rlooLossOf } from './estimator.ts'
import { trainGroups } from './grpo.ts'
import { completionsPerRollout } from './micro_batches.ts'
import type { GroupOptions, GrpoGraphOptions, GrpoOptions, RlooGraphOptions, RlooOptions } from './options.ts'

/** What a task that learns from groups of completions does. */
function groupWork<Graphs extends object, Options extends Graphs & GroupOptions>(
  name: string,
  lossOf: (options: Graphs) => GrpoLoss,
  estimatorOf: (options: Options) => Estimator,
): TaskWork<Graphs, Options, never> {
  const graphTask = (request: GraphRequest, options: Graphs) => ({
    ...asLanguageModel(request),
    grpo: lossOf(options),
  })
  const responseLength = ({ max_completion_length }: Options) => ({
    max_new_tokens: max_completion_length,
    option: `${name}.max_completion_length`,
  })
  return {
    async check({ options, settings, host }) {
      completionsPerRollout(settings, options, name)
      const rewards = await openRewards(options, (source) => host.openReward(source))
      await rewards.release()
    },
    /** Reads the prompts that training will read, and tries metrics and functions on two of them. */
    async prepare(run) {
      for (const data of [run.trainData, run.validationData]) {
        const prompts = runPrompts(data, run, responseLength(run.options))
        // What a reward model needs was there when it was opened.
        for (const source of run.options.reward_funcs)
          if (!('model' in source)) await tryReward(prompts, run.host, source)
      }
    },
    graphs(request, options) {
      const task = graphTask(request, options)
      return {
        trainable: () => languageModelTrainable(task),
        training: () => grpoTrainingGraph(task),
        evaluation: () => grpoEvaluationGraph(task),
      }
    },
    async train(run) {
      const { host, config, lora, settings, options, trainData, validationData, training, evaluation } = run
      const estimator = estimatorOf(options)
      const compares = estimator.penalised || estimator.loss.beta > 0
      const closing = createClosing()
      try {
        const decoding = closing.add(await openDecoding(run))
        const reference =
          lora === 'full' && compares
            ? await host.openGraph(
                'the reference',
                (stored) =>
                  grpoEvaluationGraph({
                    ...{ config, stored, lora: 'none', grpo: estimator.loss },
                    dtype: precisionType(settings.precision),
                  }),
                { spinning: false },
              )
            : null
        if (reference) closing.add(reference.session)
        const step = run.state.global_step
        const [logRollout, logTimes] = [
          await host.journal('rollouts.jsonl', step),
          await host.journal('times.jsonl', step),
        ]
        const length = responseLength(options)
        const prompts = runPrompts(trainData, run, length)
        const validationPrompts = evenlySpread(runPrompts(validationData, run, length), options.eval_prompts)
        const rewards = closing.add(await openRewards(options, (source) => host.openReward(source)))
        return await trainGroups({
          ...run,
          ...{ task: name, options: settings, group: options, estimator, rewards },
          ...{ prompts, validationPrompts, logRollout, logTimes },
          sessions: {
            ...{ training, evaluation, decoding },
            reference: reference?.session ?? null,
          },
        })
      } finally {
        await closing.close()
      }
    },
    evaluation: {
      instead: (run) =>
        `${run} is of task ${name}, whose answers are judged by rewards; use "ortune judge ${run}"`,
    },
  }
}

export const grpoWork = groupWork<GrpoGraphOptions, GrpoOptions>('grpo', grpoLossOf, grpoEstimator)
export const rlooWork = groupWork<RlooGraphOptions, RlooOptions>('rloo', rlooLossOf, rlooEstimator)
