/**
 * The estimator of the terms that have no derivative, against all that a model can write: with a vocabulary of 5 and responses of up
 * to 3 tokens, E[c] = Σ p(y)·c(y) over 85 responses, and its gradient by differences.
 */
import { expect } from 'chai'

import { serialize } from '../../graphs/ir/serialize.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import { neuroplasticEvaluationGraph, neuroplasticTrainingGraph } from '../../graphs/tasks/neuroplastic.ts'
import type { Prompt, Response } from '../../src/learning/rollouts.ts'
import { responseExample, responseOf } from '../../src/learning/rollouts.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds, Session } from '../../src/runtime/session.ts'
import { collateTerms } from '../../src/tasks/neuroplastic/collate.ts'
import { neuroplasticOptionsSchema } from '../../src/tasks/neuroplastic/options.ts'
import type { Piece } from '../../src/tasks/neuroplastic/step.ts'
import { feedsOf, weightsOf } from '../../src/tasks/neuroplastic/step.ts'
import type { Costs } from '../../src/tasks/neuroplastic/terms.ts'
import {
  costsOfOthers,
  sampledCosts,
  SAMPLED_TERMS,
  termWeights,
} from '../../src/tasks/neuroplastic/terms.ts'
import { tiny, weightFeeds } from '../graphs/tiny_gpt2.ts'

const VOCABULARY = ['sea', ' tree', ' a', ' dog', '']
const END = 4
const LONGEST = 3
const config: Gpt2Config = { ...tiny, n_layer: 1, vocab_size: VOCABULARY.length }
const model = { config, lora: 'full', dtype: 'float64' } as const
const tokenizer = { decode: (ids: readonly number[]) => ids.map((id) => VOCABULARY[id]!).join('') }
const prompt: Prompt = { ids: [2, 0], text: ' asea', references: [' a dog sea', ' tree'] }
const options = neuroplasticOptionsSchema.parse({
  ...{ target_length: 1, alpha: 1.3, delta_ref: 0.9, beta_sem: 0, gamma_div: 0 },
  ...{ reward: { metric: 'rougeL' }, reward_weight: 0.7 },
})
const LAMBDA = 0.6

/** Responses that begin so: ended, or as long as they may be. */
function allResponses(begun: readonly number[] = []): Response[] {
  if (begun.length === LONGEST)
    return [responseOf(prompt, { tokens: [...begun], stop: undefined }, tokenizer)]
  return VOCABULARY.flatMap((_, id) =>
    id === END
      ? [responseOf(prompt, { tokens: [...begun], stop: END }, tokenizer)]
      : allResponses([...begun, id]),
  )
}

const inFloat64 = (feeds: Feeds): Feeds =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => [
      name,
      tensor.dtype === 'float32'
        ? { ...tensor, dtype: 'float64' as const, data: Float64Array.from(tensor.data as Float32Array) }
        : tensor,
    ]),
  )

describe('the score function', () => {
  const responses = allResponses()
  const parameters = weightFeeds(gpt2ParameterShapes(config), 'float64')
  const names = Object.keys(parameters)
  let costs: Costs[]
  let [training, evaluation]: (Session | undefined)[] = []
  before(async () => {
    const reward = {
      name: 'the share of dogs',
      score: (samples: readonly { response: string }[]) =>
        Promise.resolve(samples.map(({ response }) => response.split('dog').length / 2)),
      release: () => Promise.resolve(),
    }
    costs = await sampledCosts(responses, options, reward)
    const open = (graph: Parameters<typeof serialize>[0]) =>
      openNodeSession(serialize(graph), { threads: 1, optimization: 'basic' })
    training = await open(neuroplasticTrainingGraph(model))
    evaluation = await open(neuroplasticEvaluationGraph(model))
  })
  after(async () => {
    await training?.release()
    await evaluation?.release()
  })

  /** p(y) of each. */
  async function probabilities(given: Feeds): Promise<number[]> {
    const { nll } = await evaluation!.run({ ...collateTerms(responses.map(responseExample)), ...given })
    let at = 0
    return responses.map(({ tokens }) => {
      const sum = tokens.reduce((total, _, t) => total + (nll!.data[at + t] as number), 0)
      at += tokens.length
      return Math.exp(-sum)
    })
  }

  const weights = termWeights(options)
  const costOf = (i: number): number =>
    LAMBDA * SAMPLED_TERMS.reduce((sum, name) => sum + weights[name] * costs[i]![name]!, 0)

  it('has all responses, which are as likely as one together', async () => {
    expect(responses).to.have.length(1 + 4 + 4 * 4 * 5)
    const sum = (await probabilities(parameters)).reduce((total, p) => total + p, 0)
    expect(sum).to.be.closeTo(1, 1e-12)
    const spread = new Set(costs.map((_, i) => costOf(i).toFixed(6)))
    expect(spread.size, 'costs that differ').to.be.greaterThan(20)
  })

  for (const [title, baseline] of [
    ['of the likeliest', 0],
    ['of another response', 17],
  ] as const)
    it(`has the gradient of the expected cost as its expectation, whatever response is the baseline: that ${title}`, async () => {
      const likely = await probabilities(parameters)
      const usual = costs[baseline === 0 ? likely.indexOf(Math.max(...likely)) : baseline]!
      const expected = new Map(names.map((name) => [name, new Float64Array(parameters[name]!.data.length)]))
      for (const [i, response] of responses.entries()) {
        const piece = pieceOf([{ response, costs: costs[i]!, baseline: usual }])
        const outputs = await training!.run({ ...inFloat64(feedsOf(piece)), ...parameters })
        for (const name of names) {
          const gradient = outputs[`${name}_grad`]!.data as Float64Array
          const sum = expected.get(name)!
          for (let j = 0; j < sum.length; j++) sum[j]! += likely[i]! * gradient[j]!
        }
      }
      await compare(expected)
    })

  it('has it where two responses are drawn, each the baseline of the other', async () => {
    const likely = await probabilities(parameters)
    const samples = responses.map((response, i) => ({ response, costs: costs[i]!, baseline: {} }))
    const feeds = inFloat64(feedsOf(pieceOf(samples)))
    // Of all pairs, each weighing as much as it is likely: the loss is linear in the weights of its tokens.
    const label_weights = new Float64Array(feeds['labels']!.data.length)
    let first = 0
    for (const [i, response] of responses.entries()) {
      for (const j of responses.keys()) {
        const pair = [costs[i]!, costs[j]!]
        const [mine] = costsOfOthers(pair)
        const piece = pieceOf([{ response, costs: pair[0]!, baseline: mine! }])
        const weight = weightsOf(piece)['label_weights']!.data[0] as number
        for (let t = 0; t < response.tokens.length; t++)
          label_weights[first + t]! += likely[i]! * likely[j]! * weight
      }
      first += response.tokens.length
    }
    const weighed = { ...feeds, label_weights: { ...feeds['label_weights']!, data: label_weights } }
    const outputs = await training!.run({ ...weighed, ...parameters })
    await compare(new Map(names.map((name) => [name, outputs[`${name}_grad`]!.data as Float64Array])))
  })

  const pieceOf = (samples: Piece['samples']): Piece => ({
    ...{ rows: [], samples, weights, lambda: LAMBDA },
    totals: { labelled: 1, paired: 1, length: 1, reference: 1, reward: 1 },
  })

  /** With the gradient of the expected cost: of each tensor its largest element, the first and the last. */
  async function compare(expected: ReadonlyMap<string, Float64Array>): Promise<void> {
    const largest = Math.max(...[...expected.values()].flatMap((sum) => Array.from(sum, Math.abs)))
    expect(largest).to.be.greaterThan(0.01)
    for (const name of names) {
      const sum = expected.get(name)!
      const most = sum.reduce((best, x, j) => (Math.abs(x) > Math.abs(sum[best]!) ? j : best), 0)
      for (const j of new Set([most, 0, sum.length - 1])) {
        const slope = await slopeOf(name, j)
        expect(sum[j], `${name}[${j}]`).to.be.closeTo(slope, 1e-6 * Math.max(1, Math.abs(slope)))
      }
    }
  }

  /** dE[c]/dθ by differences that are exact up to h⁴. */
  async function slopeOf(name: string, j: number): Promise<number> {
    const h = 1e-4
    const at = async (offset: number) => {
      const data = Float64Array.from(parameters[name]!.data as Float64Array)
      data[j]! += offset
      const likely = await probabilities({ ...parameters, [name]: { ...parameters[name]!, data } })
      return likely.reduce((sum, p, i) => sum + p * costOf(i), 0)
    }
    const near = (await at(h)) - (await at(-h))
    const far = (await at(2 * h)) - (await at(-2 * h))
    return (8 * near - far) / (12 * h)
  }
})
