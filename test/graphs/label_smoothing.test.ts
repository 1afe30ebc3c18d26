import { readFileSync } from 'node:fs'

import { expect } from 'chai'

import { Graph } from '../../graphs/ir/graph.ts'
import { crossEntropy } from '../../graphs/losses/cross_entropy.ts'
import { smoothed } from '../../graphs/losses/label_smoothing.ts'
import { tokenNegativeLogLikelihood } from '../../graphs/losses/negative_log_likelihood.ts'
import { weightedSum } from '../../graphs/losses/weighted_sum.ts'
import type { HostTensor } from '../../src/runtime/session.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { largestDifference, numbersOf } from './gpt2_fixtures.ts'
import { constant, toHost } from './tensor.ts'

type Numbers = readonly number[]
const reference = JSON.parse(
  readFileSync(new URL('../fixtures/label_smoothing.json', import.meta.url), 'utf8'),
) as {
  label_smoothing_factor: number
  tokens: Record<'hidden' | 'head' | 'labels' | 'hidden_grad' | 'head_grad', Numbers> & { loss: number }
  classes: Record<'logits' | 'labels' | 'logits_grad', Numbers> & { loss: number }
}

const { label_smoothing_factor: factor, tokens, classes } = reference
const labelled = (labels: Numbers): HostTensor => ({
  dtype: 'int64',
  dims: [labels.length],
  data: BigInt64Array.from(labels, BigInt),
})
/** transformers sums over tokens and classes in float32. */
const CLOSE = 1e-8
const mean = (count: number) => toHost(constant([count], Array<number>(count).fill(1 / count)), 'float64')

describe('losses/label_smoothing', () => {
  it('is that of transformers over tokens, with its gradients', async () => {
    const graph = new Graph('smoothed')
    const hidden = graph.input('hidden', 'float64', ['labelled', 4])
    const head = graph.input('head', 'float64', [7, 4])
    const labels = graph.input('labels', 'int64', ['labelled'])
    const nll = smoothed(tokenNegativeLogLikelihood(hidden, head, labels), hidden, head, labels, factor)
    giveOutGradients(weightedSum(nll, graph.input('weights', 'float64', ['labelled'])), [hidden, head])
    const { outputs } = await checkGradients(graph, {
      hidden: toHost(constant([5, 4], tokens.hidden), 'float64'),
      head: toHost(constant([7, 4], tokens.head), 'float64'),
      labels: labelled(tokens.labels),
      weights: mean(5),
    })
    const found = numbersOf(outputs)
    expect(found['loss']![0]).to.be.closeTo(tokens.loss, CLOSE)
    expect(largestDifference(found['hidden_grad']!, tokens.hidden_grad)).to.be.below(CLOSE)
    expect(largestDifference(found['head_grad']!, tokens.head_grad)).to.be.below(CLOSE)
  })

  it('is that of transformers over classes, with its gradient', async () => {
    const graph = new Graph('smoothed')
    const logits = graph.input('logits', 'float64', ['rows', 6])
    const nll = crossEntropy(logits, graph.input('labels', 'int64', ['rows']), factor)
    giveOutGradients(weightedSum(nll, graph.input('weights', 'float64', ['rows'])), [logits])
    const { outputs } = await checkGradients(graph, {
      logits: toHost(constant([3, 6], classes.logits), 'float64'),
      labels: labelled(classes.labels),
      weights: mean(3),
    })
    const found = numbersOf(outputs)
    expect(found['loss']![0]).to.be.closeTo(classes.loss, CLOSE)
    expect(largestDifference(found['logits_grad']!, classes.logits_grad)).to.be.below(CLOSE)
  })
})
