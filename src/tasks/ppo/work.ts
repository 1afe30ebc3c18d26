/** @module */
import { ppoEvaluationGraph, ppoShapes, ppoTrainingGraph } from '../../../graphs/tasks/ppo.ts'
import { evenlySpread } from '../../data/examples/prompts_and_references.ts'
import { precisionType } from '../../formats/precision.ts'
import { createClosing } from '../../runtime/closing.ts'
import { asLanguageModel } from '../language_model.ts'
import { openDecoding } from '../open_decoding.ts'
import { runPrompts } from '../run_prompts.ts'
import type { GraphRequest, TaskWork } from '../task.ts'
import { tryReward } from '../try_reward.ts'
import type { PpoGraphOptions, PpoOptions } from './options.ts'
import { trainPpo } from './ppo.ts'

const graphTask = (request: GraphRequest, ppo: PpoGraphOptions) => ({ ...asLanguageModel(request), ppo })

const responseLength = ({ max_new_tokens }: PpoOptions) => ({ max_new_tokens, option: 'ppo.max_new_tokens' })

export const ppoWork: TaskWork<PpoGraphOptions, PpoOptions, never> = {
  async check({ options, host }) {
    const reward = await host.openReward(options.reward)
    await reward.release()
  },
  /** Reads the prompts that training will read, and tries a metric or a function on two of them. */
  async prepare(run) {
    for (const data of [run.trainData, run.validationData]) {
      const prompts = runPrompts(data, run, responseLength(run.options))
      // What a reward model needs was there when it was opened.
      if (!('model' in run.options.reward)) await tryReward(prompts, run.host, run.options.reward)
    }
  },
  graphs(request, options) {
    const task = graphTask(request, options)
    return {
      trainable: () => ppoShapes(task),
      training: () => ppoTrainingGraph(task),
      evaluation: () => ppoEvaluationGraph(task),
    }
  },
  async train(run) {
    const { host, config, lora, options: ppo, trainData, validationData, training, evaluation } = run
    const closing = createClosing()
    try {
      const decoding = closing.add(await openDecoding(run))
      const reference =
        lora === 'full'
          ? await host.openGraph(
              'the reference',
              (stored) =>
                ppoEvaluationGraph({
                  ...{ config, stored, lora: 'none', ppo },
                  dtype: precisionType(run.settings.precision),
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
      const prompts = runPrompts(trainData, run, responseLength(ppo))
      const validationPrompts = evenlySpread(
        runPrompts(validationData, run, responseLength(ppo)),
        ppo.eval_prompts,
      )
      const reward = closing.add(await host.openReward(ppo.reward))
      return await trainPpo({
        ...run,
        ...{ options: run.settings, ppo, reward, prompts, validationPrompts, logRollout, logTimes },
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
      `${run} is of task ppo, whose answers are judged by a reward; use "ortune judge ${run}"`,
  },
}
