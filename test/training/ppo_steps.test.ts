import { expect } from 'chai'

import { decodingGraph } from '../../graphs/inference/generation.ts'
import { ppoEvaluationGraph, ppoShapes, ppoTrainingGraph } from '../../graphs/tasks/ppo.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { hostState } from '../../src/runtime/host_state.ts'
import { createParameterMemory } from '../../src/runtime/parameter_memory.ts'
import type { Tokenizer } from '../../src/text/tokenizer.ts'
import type { MiniBatch } from '../../src/tasks/ppo/mini_batches.ts'
import { trainingOptionsSchema } from '../../src/learning/options.ts'
import { updatePolicy } from '../../src/tasks/ppo/ppo.ts'
import { ppoOptionsSchema } from '../../src/tasks/ppo/options.ts'
import { openPolicy } from '../../src/tasks/ppo/policy.ts'
import type { Response } from '../../src/learning/rollouts.ts'
import { createStopwatch } from '../../src/learning/stopwatch.ts'
import { fixtureModel, largestDifference } from '../graphs/gpt2_fixtures.ts'
import type { PpoSettings, Ragged } from '../graphs/preference_fixtures.ts'
import {
  preferenceFixture,
  readFixtureAdapter,
  readPreferenceFixture,
} from '../graphs/preference_fixtures.ts'

interface Stored {
  readonly settings: PpoSettings & {
    readonly mini_batch_size: number
    readonly ppo_epochs: number
    readonly learning_rate: number
    readonly weight_decay: number
    readonly max_gradient_norm: number
  }
  readonly steps: readonly {
    readonly queries: Ragged
    readonly responses: Ragged
    readonly scores: readonly number[]
    /** Of the responses, one per epoch. */
    readonly orders: Ragged
    readonly kl_coef: number
    readonly next_kl_coef: number
    readonly statistics: Readonly<Record<string, number>>
  }[]
}

describe("PPO's updates against TRL", () => {
  it('have its statistics, step after step, and end in its adapter and value head', async () => {
    const { settings, steps } = await readPreferenceFixture<Stored>('ppo', 'steps.json')
    const model = await fixtureModel()
    const { lora, tensors: adapter, feeds } = await readFixtureAdapter('ppo', 'initial')
    const head = await readTensors(preferenceFixture('ppo', 'initial_value_head.safetensors'))
    const { ppo_epochs, mini_batch_size } = settings
    const ppo = ppoOptionsSchema.parse({
      ...pick(settings, [
        'init_kl_coef',
        'target',
        'horizon',
        'gamma',
        'lam',
        'cliprange',
        'cliprange_value',
      ]),
      ...pick(settings, ['vf_coef', 'kl_penalty', 'whiten_rewards', 'score_clip']),
      ...{ ppo_epochs, mini_batch_size, temperature: 1, early_stopping: false },
      reward: { metric: 'bleu' },
    })
    const task = { config: model.config, stored: model.stored, lora, ppo }
    const memory = createParameterMemory(ppoShapes(task))
    for (const [name, { data }] of [...adapter, ...head]) memory.views(name).parameter.set(data)
    const sessions = {
      training: await model.open(ppoTrainingGraph(task)),
      evaluation: await model.open(ppoEvaluationGraph(task)),
      decoding: await model.open(decodingGraph(task)),
      reference: null,
    }
    const options = trainingOptionsSchema.parse({
      weight_decay: settings.weight_decay,
      max_grad_norm: settings.max_gradient_norm,
    })
    const constants = { lora_scale: feeds['lora_scale']! }
    const tokenizer = {} as Tokenizer
    const policy = openPolicy(
      {
        ...{ sessions, tensors: hostState(memory), constants, config: model.config },
        ...{ tokenizer, stop_tokens: [], ppo },
      },
      (session) => session,
    )

    let optimizerSteps = 0
    for (const [i, { statistics, ...step }] of steps.entries()) {
      const responses = step.queries.map((ids, row): Response => ({
        prompt: { ids, text: '', references: [] },
        tokens: step.responses[row]!,
        ended: true,
        text: '',
      }))
      const updated = await updatePolicy(
        policy,
        { options, ppo, tensors: hostState(memory) },
        {
          responses,
          scores: step.scores,
          plan: planOf(step.orders, step.responses, mini_batch_size),
          klCoefficient: step.kl_coef,
          rate: statistics['ppo/learning_rate']!,
          optimizerSteps,
          step: i + 1,
        },
        createStopwatch(),
      )
      for (const [name, value] of Object.entries(statistics))
        expect(updated.statistics[name], `${name} of step ${i + 1}`).to.be.closeTo(
          value,
          1e-5 * Math.max(1, Math.abs(value)),
        )
      expect(updated.klCoefficient).to.be.closeTo(step.next_kl_coef, 1e-6)
      expect(updated.statistics['ppo/policy/ratio']).to.be.closeTo(1, 1e-5)
      optimizerSteps = updated.optimizerSteps
    }
    expect(optimizerSteps).to.equal(steps.length * ppo_epochs * 2)

    const { tensors: final } = await readFixtureAdapter('ppo', 'final')
    const finalHead = await readTensors(preferenceFixture('ppo', 'final_value_head.safetensors'))
    for (const [name, { data }] of [...final, ...finalHead])
      expect(largestDifference(memory.views(name).parameter, data), name).to.be.at.most(1e-5)
    for (const session of Object.values(sessions)) await session?.release()
  })
})

/** Mini-batches in the given orders, each an optimizer step of its own. */
const planOf = (orders: Ragged, responses: Ragged, size: number): MiniBatch[] =>
  orders.flatMap((order) =>
    Array.from({ length: order.length / size }, (_, i) => {
      const rows = order.slice(i * size, (i + 1) * size)
      return {
        rows,
        tokenWeight: 1 / rows.reduce((sum, row) => sum + responses[row]!.length, 0),
        endsStep: true,
        endsEpoch: (i + 1) * size === order.length,
      }
    }),
  )

const pick = <T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> =>
  Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>
