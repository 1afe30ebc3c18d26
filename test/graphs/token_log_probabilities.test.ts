import { expect } from 'chai'

import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { tokenLogProbabilities } from '../../graphs/losses/token_log_probabilities.ts'
import { weightedSum } from '../../graphs/losses/weighted_sum.ts'
import { add } from '../../graphs/ops/index.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { largestDifference, numbersOf } from './gpt2_fixtures.ts'
import type { Tensor } from './tensor.ts'
import { constant, random, read, toHost } from './tensor.ts'

async function run(graph: Graph, feeds: Feeds): Promise<Record<string, number[]>> {
  const session = await openNodeSession(serialize(graph), { optimization: 'basic' })
  const outputs = await session.run(feeds)
  await session.release()
  return numbersOf(outputs)
}

describe('losses/token_log_probabilities', () => {
  const labels = [3, 0, 3, 6]
  const [rows, width, vocabulary] = [4, 5, 7]

  const build = (dtype: 'float32' | 'float64', temperature: number) => {
    const graph = new Graph('log-probabilities')
    const hidden = graph.input('hidden', dtype, ['labelled', width])
    const head = graph.input('head', dtype, [vocabulary, width])
    const ids = graph.input('labels', 'int64', ['labelled'])
    const { logp, entropy } = tokenLogProbabilities(hidden, head, ids, temperature)
    graph.output('logp', logp)
    graph.output('entropy', entropy)
    return { graph, hidden, head, logp, entropy }
  }

  /** Of each row log P[label] and −Σ P·log P. */
  function reference(hidden: Tensor, head: Tensor, temperature: number) {
    return labels.map((label, row) => {
      const logits = Array.from({ length: vocabulary }, (_, token) =>
        Array.from({ length: width }, (_, i) => read(hidden, [row, i]) * read(head, [token, i])).reduce(
          (sum, x) => sum + x / temperature,
          0,
        ),
      )
      const largest = Math.max(...logits)
      const normaliser = largest + Math.log(logits.reduce((sum, z) => sum + Math.exp(z - largest), 0))
      const entropy = logits.reduce((sum, z) => sum - Math.exp(z - normaliser) * (z - normaliser), 0)
      return { logp: logits[label]! - normaliser, entropy }
    })
  }

  const feeds = (hidden: Tensor, head: Tensor, dtype: 'float32' | 'float64'): Feeds => ({
    hidden: toHost(hidden, dtype),
    head: toHost(head, dtype),
    labels: toHost(constant([rows], labels), 'int64'),
  })

  for (const temperature of [1, 0.7, 2]) {
    for (const [title, wanted] of [
      ['the log-probability', ['logp']],
      ['the entropy', ['entropy']],
      ['both', ['logp', 'entropy']],
    ] as const) {
      it(`has the gradients of ${title} by hidden states and head, temperature ${temperature}`, async () => {
        const { graph, hidden, head, ...parts } = build('float64', temperature)
        const loss = wanted
          .map((name) => weightedSum(parts[name], graph.input(`${name}_weights`, 'float64', ['labelled'])))
          .reduce(add)
        const [h, W] = [random('hidden', [rows, width]), random('head', [vocabulary, width])]
        const { outputs } = await checkGradients(giveOutGradients(loss, [hidden, head]), {
          ...feeds(h, W, 'float64'),
          ...Object.fromEntries(
            wanted.map((name) => [`${name}_weights`, toHost(random(name, [rows]), 'float64')]),
          ),
        })
        const expected = reference(h, W, temperature)
        for (const name of ['logp', 'entropy'] as const)
          expect(
            largestDifference(
              numbersOf(outputs)[name]!,
              expected.map((row) => row[name]),
            ),
            name,
          ).to.be.at.most(1e-12)
      })
    }
  }

  it('stays finite and exact where probabilities underflow', async () => {
    const [h, W] = [random('hidden', [rows, width], -40, 40), random('head', [vocabulary, width], -40, 40)]
    const { graph, hidden, logp, entropy } = build('float64', 1)
    const weights = graph.input('weights', 'float64', ['labelled'])
    giveOutGradients(weightedSum(add(logp, entropy), weights), [hidden])
    const got = await run(graph, {
      ...feeds(h, W, 'float64'),
      weights: toHost(constant([rows], [1, 1, 1, 1]), 'float64'),
    })
    const expected = reference(h, W, 1)
    expect(Math.min(...got['logp']!), 'far beyond e^-745').to.be.lessThan(-1500)
    expect(
      largestDifference(
        got['logp']!,
        expected.map((row) => row.logp),
      ),
    ).to.be.at.most(1e-9)
    expect(
      largestDifference(
        got['entropy']!,
        expected.map((row) => row.entropy || 0),
      ),
    ).to.be.at.most(1e-9)
    for (const slope of got['hidden_grad']!) expect(slope).to.be.finite
  })

  it('has the entropy of large logits to the rounding of its own size, in float32', async () => {
    // All logits around −100, as those of GPT-2 are.
    const h = constant(
      [rows, width],
      Array.from({ length: rows * width }, (_, i) => (i % width === 0 ? -10 : 0.1 * (i % 7))),
    )
    const W = constant(
      [vocabulary, width],
      Array.from({ length: vocabulary * width }, (_, i) => (i % width === 0 ? 10 : 0.3 * ((i * i) % 11))),
    )
    const got = await run(build('float32', 1).graph, feeds(h, W, 'float32'))
    const expected = reference(h, W, 1)
    expect(
      largestDifference(
        got['entropy']!,
        expected.map((row) => row.entropy),
      ),
    ).to.be.at.most(1e-5)
  })
})
