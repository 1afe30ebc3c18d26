import { expect } from 'chai'

import type { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { inferenceGraph } from '../../graphs/inference/generation.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import type { LanguageModel } from '../../graphs/models/language_model.ts'
import { loraParameterShapes } from '../../graphs/models/lora_config.ts'
import { neuroplasticEvaluationGraph, neuroplasticTrainingGraph } from '../../graphs/tasks/neuroplastic.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { checkGradients } from './check_gradients.ts'
import { largestDifference, numbersOf } from './gpt2_fixtures.ts'
import { constant, toHost } from './tensor.ts'
import { adapters, tiny, weightFeeds } from './tiny_gpt2.ts'

const int64 = (shape: number[], ...data: number[]) => toHost(constant(shape, data), 'int64')
const float64 = (...data: number[]) => toHost(constant([data.length], data), 'float64')

/** 3 7 → 3 10 0, and 5 → 1 9 with padding. */
const tokens: Feeds = {
  input_ids: int64([2, 5], 3, 7, 3, 10, 0, 5, 1, 9, 0, 0),
  attention_mask: int64([2, 5], 1, 1, 1, 1, 1, 1, 1, 1, 0, 0),
  position_ids: int64([2, 5], 0, 1, 2, 3, 4, 0, 1, 2, 0, 0),
  label_positions: int64([5], 1, 2, 3, 5, 6),
  labels: int64([5], 3, 10, 0, 1, 9),
  prompt_mask: int64([2, 5], 1, 1, 0, 0, 0, 1, 0, 0, 0, 0),
  response_mask: int64([2, 5], 0, 0, 1, 1, 1, 0, 1, 1, 0, 0),
}
/** Some of likelihood, some of the score function's either sign. */
const labelWeights = [0.2, 0.3, 0.1, -0.4, 0.25]
const semanticWeights = [0.7, 0.4]
const entropyWeights = [0.1, 0, 0.3, 0.2, 0.15]
const parts = {
  likelihood: { label_weights: float64(...labelWeights) },
  semantic: { semantic_weights: float64(...semanticWeights) },
  entropy: { entropy_weights: float64(...entropyWeights) },
}
const nothing = {
  label_weights: float64(0, 0, 0, 0, 0),
  semantic_weights: float64(0, 0),
  entropy_weights: float64(0, 0, 0, 0, 0),
}
const everything = Object.assign({}, ...Object.values(parts)) as Feeds

const weights = weightFeeds(gpt2ParameterShapes(tiny), 'float64')
const loraWeights: Feeds = {
  ...weightFeeds(loraParameterShapes(gpt2ParameterShapes(tiny), adapters), 'float64'),
  lora_scale: toHost(constant([], [2]), 'float64'),
}

async function run(graph: Graph, feeds: Feeds): Promise<Record<string, number[]>> {
  const session = await openNodeSession(serialize(graph), { optimization: 'basic' })
  const outputs = await session.run(feeds)
  await session.release()
  return numbersOf(outputs)
}

describe('neuro-plastic gradients in float64', function () {
  this.slow(5000)
  for (const lora of ['full', adapters] as const)
    for (const [title, given] of [['all terms', everything], ...Object.entries(parts)] as const)
      it(`${lora === 'full' ? 'full' : 'LoRA'}, ${title}`, async () => {
        const model: LanguageModel = { config: tiny, lora, dtype: 'float64' }
        const trained = { ...weights, ...(lora === 'full' ? {} : loraWeights) }
        const feeds = { ...tokens, ...nothing, ...given, ...trained }
        const graph = neuroplasticTrainingGraph(model)
        expect(graph.inputs.map(({ name }) => name)).to.deep.equal(Object.keys(feeds))
        const { worst, outputs } = await checkGradients(graph, feeds, { elements: 5 })
        expect(worst).to.be.greaterThan(0)
        const { loss, nll, entropies, cosines } = numbersOf(outputs)
        const weighed = (name: keyof typeof nothing, values: readonly number[]) =>
          values.reduce((sum, x, i) => sum + x * (feeds[name].data[i] as number), 0)
        expect(loss![0]).to.be.closeTo(
          weighed('label_weights', nll!) +
            weighed(
              'semantic_weights',
              cosines!.map((cos) => 1 - cos),
            ) -
            weighed('entropy_weights', entropies!),
          1e-12,
        )
      })
})

describe('the neuro-plastic evaluation graph', () => {
  it('has the likelihoods, entropies and cosines that hidden states and logits give', async () => {
    const model: LanguageModel = { config: tiny, lora: 'full', dtype: 'float64' }
    const graph = neuroplasticEvaluationGraph(model)
    const got = await run(graph, { ...tokens, ...weights })
    const { hidden, logits } = await statesOf()
    const rowsOf = (positions: readonly number[], of: readonly (readonly number[])[]) =>
      positions.map((at) => of[at]!)
    const log = (row: readonly number[]) => {
      const most = Math.max(...row)
      const sum = row.reduce((total, x) => total + Math.exp(x - most), 0)
      return row.map((x) => x - most - Math.log(sum))
    }
    const logps = rowsOf([1, 2, 3, 5, 6], logits).map(log)
    const close = (name: string, expected: readonly number[]) =>
      expect(largestDifference(got[name]!, expected), name).to.be.at.most(5e-6)
    close(
      'nll',
      [3, 10, 0, 1, 9].map((label, i) => -logps[i]![label]!),
    )
    close(
      'entropies',
      logps.map((row) => -row.reduce((sum, logp) => sum + Math.exp(logp) * logp, 0)),
    )
    const mean = (positions: readonly number[]) =>
      hidden[0]!.map((_, i) => positions.reduce((sum, at) => sum + hidden[at]![i]!, 0) / positions.length)
    const cosine = (a: readonly number[], b: readonly number[]) => {
      const dot = (x: readonly number[], y: readonly number[]) =>
        x.reduce((sum, value, i) => sum + value * y[i]!, 0)
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
    }
    close('cosines', [cosine(mean([0, 1]), mean([2, 3, 4])), cosine(mean([5]), mean([6, 7]))])
  })
})

/** The last hidden states and the logits of each position, by the graph that is exported for generation. */
async function statesOf() {
  const empty = { dtype: 'float32' as const, dims: [2, 2, 0, 4], data: new Float32Array(0) }
  const single = weightFeeds(gpt2ParameterShapes(tiny), 'float32')
  const names = Array.from({ length: tiny.n_layer }, (_, i) => [`${i}.key`, `${i}.value`]).flat()
  const graph = inferenceGraph({ config: tiny })
  const hidden = graph.nodes.findLast(({ operator }) => operator.name === 'Gemm')!.inputs[0]!
  graph.output('hidden', hidden)
  const { input_ids, attention_mask, position_ids } = tokens
  const outputs = await run(graph, {
    ...{ input_ids: input_ids!, attention_mask: attention_mask!, position_ids: position_ids! },
    ...Object.fromEntries(names.map((name) => [`past_key_values.${name}`, empty])),
    ...single,
  })
  const rows = (name: string, width: number) =>
    Array.from({ length: 10 }, (_, at) => outputs[name]!.slice(at * width, (at + 1) * width))
  return { hidden: rows('hidden', tiny.n_embd), logits: rows('logits', tiny.vocab_size) }
}
