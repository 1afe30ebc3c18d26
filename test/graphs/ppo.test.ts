import { expect } from 'chai'

import type { PpoTask } from '../../graphs/tasks/ppo.ts'
import { ppoEvaluationGraph, ppoShapes, ppoTrainingGraph } from '../../graphs/tasks/ppo.ts'
import type { Graph, Value } from '../../graphs/ir/graph.ts'
import { liveNodes, serialize } from '../../graphs/ir/serialize.ts'
import { evaluateDim } from '../../graphs/ir/shape.ts'
import type { PpoLoss } from '../../graphs/losses/ppo.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import { loraParameterShapes } from '../../graphs/models/lora_config.ts'
import { VALUE_HEAD_BIAS, VALUE_HEAD_WEIGHT, valueHeadShapes } from '../../graphs/models/value_head.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { checkGradients } from './check_gradients.ts'
import { numbersOf } from './gpt2_fixtures.ts'
import { constant, toHost } from './tensor.ts'
import { adapters, tiny, weightFeeds } from './tiny_gpt2.ts'

const ppo: PpoLoss = { cliprange: 0.2, cliprange_value: 0.3, vf_coef: 0.4, entropy_coef: 0, temperature: 1 }

const int64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'int64')
const float64 = (...data: number[]) => toHost(constant([data.length], data), 'float64')

/** 3 7 → 3 10 0, and 5 → 1 9 with padding. */
const tokens: Feeds = {
  input_ids: int64([2, 5], 3, 7, 3, 10, 0, 5, 1, 9, 0, 0),
  attention_mask: int64([2, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0),
  position_ids: int64([2, 5], 0, 1, 2, 3, 4, 0, 1, 2, 0, 0),
  label_positions: int64([5], 1, 2, 3, 5, 6),
  labels: int64([5], 3, 10, 0, 1, 9),
}
const weights = weightFeeds(gpt2ParameterShapes(tiny), 'float64')
const loraWeights: Feeds = {
  ...weightFeeds(loraParameterShapes(gpt2ParameterShapes(tiny), adapters), 'float64'),
  lora_scale: toHost(constant([], [2]), 'float64'),
}
const valueHead = weightFeeds(valueHeadShapes(tiny), 'float64')

/** What lies behind the policy, at these distances from what it says now: on either side of every clip, and never near one. */
async function rollout(task: PpoTask, trained: Feeds): Promise<Feeds> {
  const { logps, values } = await run(ppoEvaluationGraph(task), { ...tokens, ...trained })
  const ratios = [1.5, 0.5, 1.05, 0.6, 1.4]
  const moved = [0.7, -0.1, -0.8, 0.15, 0.5]
  const missed = [0.4, -0.6, 1.2, 0.3, -0.9]
  return {
    old_logps: float64(...logps!.map((logp, i) => logp - Math.log(ratios[i]!))),
    old_values: float64(...values!.map((value, i) => value - moved[i]!)),
    advantages: float64(0.9, -1.3, 0.4, 0.7, -0.8),
    returns: float64(...values!.map((value, i) => value + missed[i]!)),
    token_weights: float64(0.1, 0.3, 0.2, 0.15, 0.2),
  }
}

async function run(graph: Graph, feeds: Feeds): Promise<Record<string, number[]>> {
  const session = await openNodeSession(serialize(graph), { optimization: 'basic' })
  const outputs = await session.run(feeds)
  await session.release()
  return numbersOf(outputs)
}

describe('PPO gradients in float64', function () {
  this.slow(5000)
  for (const [title, changes] of [
    ['two losses', {}],
    ['entropy bonus', { entropy_coef: 0.1 }],
    ['entropy bonus, at a temperature', { entropy_coef: 0.1, temperature: 0.7 }],
    ['at a temperature', { temperature: 1.6 }],
  ] as const) {
    for (const lora of ['full', adapters] as const) {
      it(`${lora === 'full' ? 'full' : 'LoRA'}, ${title}`, async () => {
        const task: PpoTask = { config: tiny, lora, dtype: 'float64', ppo: { ...ppo, ...changes } }
        const trained = { ...weights, ...(lora === 'full' ? {} : loraWeights), ...valueHead }
        const feeds = { ...tokens, ...(await rollout(task, trained)), ...trained }
        const graph = ppoTrainingGraph(task)
        expect(graph.inputs.map(({ name }) => name)).to.deep.equal(Object.keys(feeds))
        const { worst, outputs } = await checkGradients(graph, feeds, { elements: 5 })
        expect(worst).to.be.greaterThan(0)
        const { loss, policy_loss, value_loss, entropy } = numbersOf(outputs)
        const { vf_coef, entropy_coef } = task.ppo
        expect(loss![0]).to.be.closeTo(
          policy_loss![0]! + vf_coef * value_loss![0]! - entropy_coef * entropy![0]!,
          1e-12,
        )
      })
    }
  }

  it('none of the model: the value head alone', async () => {
    const task: PpoTask = { config: tiny, lora: 'none', dtype: 'float64', ppo }
    const trained = { ...weights, ...valueHead }
    const graph = ppoTrainingGraph(task)
    expect([...ppoShapes(task).keys()]).to.deep.equal([VALUE_HEAD_WEIGHT, VALUE_HEAD_BIAS])
    await checkGradients(graph, { ...tokens, ...(await rollout(task, trained)), ...trained })
  })
})

describe('PPO graphs', () => {
  const stored = new Map(
    [...gpt2ParameterShapes(tiny).keys()].map((name) => [name, { location: 'w', offset: 0, length: 4 }]),
  )
  const task: PpoTask = { config: tiny, lora: adapters, stored, ppo }

  it('take and give what the artifact promises, in order: adapters, their scale, and the value head last', () => {
    const trained = [...ppoShapes(task).keys()]
    const adapterNames = trained.slice(0, -2)
    expect(trained.slice(-2)).to.deep.equal([VALUE_HEAD_WEIGHT, VALUE_HEAD_BIAS])
    const [training, evaluation] = [ppoTrainingGraph(task), ppoEvaluationGraph(task)]
    const inputs = [...adapterNames, 'lora_scale', VALUE_HEAD_WEIGHT, VALUE_HEAD_BIAS]
    const given = ['old_logps', 'old_values', 'advantages', 'returns', 'token_weights']
    expect(training.inputs.map(({ name }) => name)).to.deep.equal([
      ...Object.keys(tokens),
      ...given,
      ...inputs,
    ])
    expect(evaluation.inputs.map(({ name }) => name)).to.deep.equal([...Object.keys(tokens), ...inputs])
    expect([...training.outputs.keys()]).to.deep.equal([
      'loss',
      'policy_loss',
      'value_loss',
      'entropy',
      'logps',
      'values',
      ...trained.map((name) => `${name}_grad`),
    ])
    expect([...evaluation.outputs].map(([name, { shape }]) => [name, ...shape])).to.deep.equal([
      ['logps', 'labelled'],
      ['values', 'labelled'],
      ['entropies', 'labelled'],
    ])
  })

  it('have the shapes that were inferred, forward and backward', async () => {
    const own: PpoTask = {
      config: tiny,
      lora: adapters,
      dtype: 'float64',
      ppo: { ...ppo, entropy_coef: 0.1 },
    }
    const trained = { ...weights, ...loraWeights, ...valueHead }
    const graph = ppoTrainingGraph(own)
    const values = liveNodes(graph).flatMap((node) => node.outputs)
    values.forEach((value, i) => graph.output(`value_${i}`, value))
    const session = await openNodeSession(serialize(graph), { optimization: 'basic' })
    const got = await session.run({ ...tokens, ...(await rollout(own, trained)), ...trained })
    await session.release()
    values.forEach((value, i) => {
      const { dtype, dims } = got[`value_${i}`]!
      expect([dtype, ...dims], value.name).to.deep.equal([
        value.dtype,
        ...value.shape.map((dim) => evaluateDim(dim, { batch: 2, sequence: 5, labelled: 5 })),
      ])
    })
  })

  it('spend nothing on an entropy that is not in the loss but its own value', () => {
    const wide = (graph: Graph) =>
      liveNodes(graph).filter(({ operator, outputs }) => {
        const [{ shape }] = outputs as [Value]
        return operator.name === 'Mul' && shape[0] === 'labelled' && shape[1] === tiny.vocab_size
      }).length
    expect(wide(ppoTrainingGraph(task))).to.equal(1)
    expect(wide(ppoTrainingGraph({ ...task, ppo: { ...ppo, entropy_coef: 0.1 } }))).to.be.greaterThan(1)
  })
})
