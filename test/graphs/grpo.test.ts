import { expect } from 'chai'

import type { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { GrpoLoss } from '../../graphs/losses/grpo.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import { loraParameterShapes } from '../../graphs/models/lora_config.ts'
import type { GrpoTask } from '../../graphs/tasks/grpo.ts'
import { grpoEvaluationGraph, grpoTrainingGraph } from '../../graphs/tasks/grpo.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { checkGradients } from './check_gradients.ts'
import { largestDifference, numbersOf } from './gpt2_fixtures.ts'
import { constant, toHost } from './tensor.ts'
import { adapters, tiny, weightFeeds } from './tiny_gpt2.ts'

const plain: GrpoLoss = {
  ...{ importance_sampling_level: 'token', epsilon: 0.2, epsilon_high: 0.3, delta: null },
  ...{ beta: 0, use_bias_correction_kl: true, temperature: 1 },
}
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
const shapes = gpt2ParameterShapes(tiny)
const trained: Feeds = {
  ...weightFeeds(shapes, 'float64'),
  ...weightFeeds(loraParameterShapes(shapes, adapters), 'float64'),
  lora_scale: toHost(constant([], [2]), 'float64'),
}
const task = (changes: Partial<GrpoLoss>): GrpoTask => ({
  ...{ config: tiny, lora: adapters, dtype: 'float64', grpo: { ...plain, ...changes } },
})

async function run(graph: Graph, feeds: Feeds): Promise<Record<string, number[]>> {
  const session = await openNodeSession(serialize(graph), { optimization: 'basic' })
  const outputs = await session.run(feeds)
  await session.release()
  return numbersOf(outputs)
}

/** What lies behind the policy, at these ratios to what it says now: on either side of every clip, and never near one. */
async function rollout(of: GrpoTask, onPolicy: 0 | 1): Promise<Feeds> {
  const { logps } = await run(grpoEvaluationGraph(of), { ...tokens, ...trained })
  const ratios = [1.5, 0.5, 1.05, 0.6, 1.4]
  const distances = [0.3, -0.5, 0.2, 0.6, -0.1]
  return {
    ...tokens,
    old_logps: float64(...logps!.map((logp, i) => logp - Math.log(ratios[i]!))),
    on_policy: toHost(constant([], [onPolicy]), 'float64'),
    advantages: float64(0.9, 0.9, 0.9, -1.3, -1.3),
    token_weights: float64(0.1, 0.3, 0.2, 0.15, 0.2),
    ...(of.grpo.importance_sampling_level === 'sequence' && {
      label_rows: int64([5], 0, 0, 0, 1, 1),
      sequence_weights: float64(1 / 3, 1 / 2),
    }),
    ...(of.grpo.beta > 0 && {
      reference_logps: float64(...logps!.map((logp, i) => logp + distances[i]!)),
    }),
    ...trained,
  }
}

describe('GRPO gradients in float64', () => {
  const cases: Readonly<Record<string, Partial<GrpoLoss>>> = {
    'of tokens, bounded on both sides, with a divergence': { delta: 1.3, beta: 0.4 },
    'of sequences, with a divergence, at a temperature': {
      ...{ importance_sampling_level: 'sequence', beta: 0.4, use_bias_correction_kl: false },
      temperature: 0.7,
    },
  }
  for (const [title, changes] of Object.entries(cases))
    it(title, async () => {
      const own = task(changes)
      const graph = grpoTrainingGraph(own)
      const feeds = await rollout(own, 0)
      expect(graph.inputs.map(({ name }) => name)).to.deep.equal(Object.keys(feeds))
      const { worst } = await checkGradients(graph, feeds, { elements: 3 })
      expect(worst).to.be.greaterThan(0)
    })

  it('are those of ratios of 1 where the policy itself drew', async () => {
    const own = task({ beta: 0.4 })
    const graph = grpoTrainingGraph(own)
    const feeds = await rollout(own, 1)
    const { logps } = await run(grpoEvaluationGraph(own), { ...tokens, ...trained })
    const drawn = await run(graph, feeds)
    const told = await run(graph, { ...(await rollout(own, 0)), old_logps: float64(...logps!) })
    for (const [name, values] of Object.entries(told))
      expect(largestDifference(drawn[name]!, values), name).to.be.at.most(1e-12)
    expect(Math.max(...drawn['transformer.h.0.attn.c_attn.lora_B.weight_grad']!.map(Math.abs))).to.be.above(0)
  })
})
