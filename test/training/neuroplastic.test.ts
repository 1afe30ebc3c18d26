import { expect } from 'chai'

import { NO_LOSS } from '../../src/data/examples/encode.ts'
import type { Response } from '../../src/learning/rollouts.ts'
import type { HostTensor } from '../../src/runtime/session.ts'
import { collateTerms } from '../../src/tasks/neuroplastic/collate.ts'
import { neuroplasticOptionsSchema } from '../../src/tasks/neuroplastic/options.ts'
import type { Piece } from '../../src/tasks/neuroplastic/step.ts'
import { feedsOf, valuesOf, weightsOf } from '../../src/tasks/neuroplastic/step.ts'
import {
  costsOfOthers,
  lambdaOf,
  lengthCost,
  overlap,
  sampledCosts,
  termWeights,
} from '../../src/tasks/neuroplastic/terms.ts'

const responseTo = (references: readonly string[], text: string, tokens: number): Response => ({
  prompt: { ids: [1, 2], text: 'a dog is', references },
  tokens: Array.from({ length: tokens }, (_, i) => i + 3),
  ended: true,
  text: `${text}<|endoftext|>`,
})

const example = (prompt: number, response: number) => ({
  input_ids: Int32Array.from({ length: prompt + response }, (_, t) => t + 1),
  labels: Int32Array.from({ length: prompt + response }, (_, t) => (t < prompt ? NO_LOSS : t + 1)),
})

const float32 = (...data: number[]): HostTensor => ({
  ...{ dtype: 'float32', dims: [data.length] },
  data: Float32Array.from(data),
})
const dataOf = (tensor: HostTensor | undefined): number[] => Array.from(tensor!.data, Number)

describe('the terms of neuro-plastic fine-tuning', () => {
  it('have the published weights, and λ falls to 0', () => {
    const options = neuroplasticOptionsSchema.parse({})
    expect(termWeights(options)).to.deep.equal({
      ...{ length: 5, semantic: 0.7, entropy: 0.3, reference: 0.4, reward: 0 },
    })
    expect(options).to.include({ target_length: 50, lambda_reward: 0.2 })
    const lambdas = [0, 25, 50, 100, 120].map((done) => lambdaOf(options, done, 100))
    for (const [i, expected] of [0.2, 0.15, 0.1, 0, 0].entries())
      expect(lambdas[i]).to.be.closeTo(expected, 1e-15)
  })

  it('cost what is longer than the target, softly and up to 20', () => {
    for (const [tokens, expected] of [
      [50, Math.LN2],
      [52, Math.log(1 + Math.exp(2))],
      [47, Math.log(1 + Math.exp(-3))],
      [69, 19 + Math.log1p(Math.exp(-19))],
      [71, 20],
      [5000, 20],
    ] as const)
      expect(lengthCost(tokens, 50), `${tokens} tokens`).to.be.closeTo(expected, 1e-12)
  })

  it('compare with references where a prompt has some, and say nothing where it has none', async () => {
    const references = ['a tame animal', 'a kind of beast']
    const [same, bare] = [responseTo(references, ' a kind of beast', 5), responseTo([], ' a beast', 3)]
    expect(overlap(same)!.bleu).to.be.closeTo(1, 1e-12)
    expect(overlap(same)!.meteor).to.be.within(0.9, 1)
    expect(overlap(bare)).to.equal(undefined)
    const options = neuroplasticOptionsSchema.parse({ target_length: 4, reward: { metric: 'bleu' } })
    const reward = {
      ...{ name: 'mine', release: () => Promise.resolve() },
      score: () => Promise.resolve([2, -3]),
    }
    const costs = await sampledCosts([same, bare], options, reward)
    expect(costs[1]).to.deep.equal({ length: lengthCost(3, 4), reward: 3 })
    expect(costs[0]!.reference).to.be.closeTo(0.5 - 0.5 * overlap(same)!.meteor, 1e-12)
    const without = neuroplasticOptionsSchema.parse({ alpha: 0, delta_ref: 0 })
    expect(await sampledCosts([same, bare], without, reward)).to.deep.equal([{}, {}])
  })

  it('have the mean of the other responses as what is usual, by each term that says something', () => {
    const costs = [
      { length: 1, reward: -2 },
      { length: 3, reward: 4 },
      { length: 8, reward: 0 },
    ]
    expect(costsOfOthers(costs)).to.deep.equal([
      { length: 5.5, reward: 2 },
      { length: 4.5, reward: -1 },
      { length: 2, reward: 1 },
    ])
  })
})

describe('a step of neuro-plastic fine-tuning', () => {
  const [dog, bare] = [responseTo(['x'], 'x', 2), responseTo([], 'y', 3)]
  const piece: Piece = {
    rows: [example(2, 3), example(0, 3)],
    samples: [
      { response: dog, costs: { length: 4, reference: 0.5 }, baseline: { length: 1, reference: 1 } },
      { response: bare, costs: { length: 2 }, baseline: { length: 2.5 } },
    ],
    totals: { labelled: 5, paired: 1, length: 2, reference: 1, reward: 2 },
    weights: { length: 5, semantic: 0.7, entropy: 0.3, reference: 0.4, reward: 0 },
    lambda: 0.1,
  }

  it('weighs tokens of the data by likelihood, and those that were written by what they cost', () => {
    const { label_weights, semantic_weights, entropy_weights } = weightsOf(piece)
    // λ·(α·(c − b)/N + δ·(c − b)/N), taken off: of a prompt without references the length alone.
    const [first, second] = [-0.1 * (5 * 1.5 - 0.4 * 0.5), -0.1 * 5 * -0.25]
    const expected = [0.2, 0.2, 0.2, 0.2, 0.2, first, first, second, second, second]
    for (const [i, weight] of dataOf(label_weights).entries())
      expect(weight, `label ${i}`).to.be.closeTo(expected[i]!, 1e-7)
    for (const [i, weight] of dataOf(semantic_weights).entries())
      expect(weight).to.be.closeTo([0.07, 0, 0, 0][i]!, 1e-8)
    for (const [i, weight] of dataOf(entropy_weights).entries())
      expect(weight).to.be.closeTo(i < 5 ? 0.006 : 0, 1e-9)
  })

  it('has the likelihood alone where λ has fallen to 0, at the end of the run', () => {
    const lambda = lambdaOf({ lambda_reward: 0.2 }, 100, 100)
    const { label_weights, semantic_weights, entropy_weights } = weightsOf({ ...piece, lambda })
    for (const [i, weight] of dataOf(label_weights).entries())
      expect(weight, `label ${i}`).to.be.closeTo(i < 5 ? 0.2 : 0, 1e-7)
    for (const weight of [...dataOf(semantic_weights), ...dataOf(entropy_weights)])
      expect(Math.abs(weight)).to.equal(0)
  })

  it('is the sum of its terms, each of which can stand alone', () => {
    const terms = (['length', 'semantic', 'entropy', 'reference', 'reward'] as const).map((term) =>
      weightsOf(piece, term),
    )
    for (const name of ['label_weights', 'semantic_weights', 'entropy_weights'] as const)
      for (const [i, whole] of dataOf(weightsOf(piece)[name]).entries()) {
        const likelihood = name === 'label_weights' && i < 5 ? 0.2 : 0
        const sum = terms.reduce((total, weights) => total + dataOf(weights[name])[i]!, likelihood)
        expect(sum, `${name}[${i}]`).to.be.closeTo(whole, 1e-7)
      }
  })

  it('does not learn from responses without a baseline', () => {
    const samples = piece.samples.map(({ response, costs }) => ({ response, costs }))
    const feeds = feedsOf({ ...piece, samples })
    expect(feeds['input_ids']!.dims[0]).to.equal(2)
    expect(feeds['label_weights']!.dims).to.deep.equal([5])
  })

  it('has the values of its terms over its micro-batches', () => {
    const outputs = [
      {
        nll: float32(1, 2, 3, 4, 5, 100, 100, 100, 100, 100),
        entropies: float32(0.5, 1, 1.5, 2, 2.5, 100, 100, 100, 100, 100),
        cosines: float32(0.25, 1, -1, -1),
      },
    ]
    const { crossEntropy, terms, total, loss } = valuesOf([piece], outputs)
    expect(crossEntropy).to.equal(3)
    expect(terms).to.deep.equal({ length: 3, semantic: 0.75, entropy: -1.5, reference: 0.5 })
    expect(total).to.be.closeTo(5 * 3 + 0.7 * 0.75 - 0.3 * 1.5 + 0.4 * 0.5, 1e-12)
    expect(loss).to.be.closeTo(3 + 0.1 * total, 1e-12)
  })

  it('masks prompts and responses, and the whole of a row that lacks either', () => {
    const { prompt_mask, response_mask } = collateTerms([example(2, 3), example(0, 3), example(4, 0)])
    expect(dataOf(prompt_mask)).to.deep.equal([1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0])
    expect(dataOf(response_mask)).to.deep.equal([0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0])
  })
})
