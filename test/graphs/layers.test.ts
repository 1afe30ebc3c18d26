import { expect } from 'chai'

import type { Value } from '../../graphs/ir/graph.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { Shape } from '../../graphs/ir/shape.ts'
import type { ActivationName } from '../../graphs/layers/activation.ts'
import { activations } from '../../graphs/layers/activation.ts'
import {
  answersMask,
  attention,
  cachedCausalMask,
  cachedPositions,
  causalMask,
  windowed,
} from '../../graphs/layers/attention.ts'
import { cachedAttention } from '../../graphs/layers/cached_attention.ts'
import { cosineSimilarity } from '../../graphs/layers/cosine_similarity.ts'
import { linear } from '../../graphs/layers/linear.ts'
import { lora } from '../../graphs/layers/lora.ts'
import { rmsNorm } from '../../graphs/layers/rms_norm.ts'
import { rotated, rotaryFrequencies, rotation } from '../../graphs/layers/rotary.ts'
import { tokenNegativeLogLikelihood } from '../../graphs/losses/negative_log_likelihood.ts'
import { weightedSum } from '../../graphs/losses/weighted_sum.ts'
import { concat, gemm, lookedUp, mul, reduceSum, split, tanh } from '../../graphs/ops/index.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { HostTensor } from '../../src/runtime/session.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { erf, withFloat64Erf } from './float64_erf.ts'
import type { Tensor } from './tensor.ts'
import { constant, elementwise, fromHost, random, read, tensor, toHost } from './tensor.ts'

/** float64 inputs of these tensors, under their names; `shapes` where they are declared with symbols. */
function declare<Name extends string>(
  graph: Graph,
  tensors: Readonly<Record<Name, Tensor>>,
  shapes: Readonly<Partial<Record<string, Shape>>> = {},
) {
  const entries = Object.entries<Tensor>(tensors)
  const values = entries.map(([name, { shape }]) => [
    name,
    graph.input(name, 'float64', shapes[name] ?? shape),
  ])
  const feeds = entries.map(([name, x]) => [name, toHost(x, 'float64')])
  return {
    values: Object.fromEntries(values) as Record<Name, Value>,
    feeds: Object.fromEntries(feeds) as Record<string, HostTensor>,
  }
}

/** Σ output∘weights over all elements; adds the weights to the feeds. */
function weighed(output: Value, weights: Tensor, feeds: Record<string, HostTensor>): Value {
  feeds['loss_weights'] = toHost(weights, 'float64')
  const product = mul(output, output.graph.input('loss_weights', 'float64', output.shape))
  const axes = output.shape.map((_, axis) => axis)
  return reduceSum(product, axes, false)
}

async function evaluate(graph: Graph, feeds: Record<string, HostTensor>) {
  const session = await openNodeSession(withFloat64Erf(serialize(graph)))
  const outputs = await session.run(feeds)
  await session.release()
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, fromHost(output)]))
}

function expectClose(got: Tensor, expected: Tensor, tolerance = 1e-12): void {
  expect(got.shape).to.deep.equal(expected.shape)
  got.data.forEach((value, i) => expect(value, `element ${i}`).to.be.closeTo(expected.data[i]!, tolerance))
}

describe('activations', () => {
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
  const tanhForm = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
  const erfForm = (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2))
  const references: Record<ActivationName, (x: number) => number> = {
    gelu_new: tanhForm,
    gelu_pytorch_tanh: tanhForm,
    gelu_python_tanh: tanhForm,
    gelu_fast: tanhForm,
    gelu_accurate: tanhForm,
    gelu: erfForm,
    gelu_python: erfForm,
    quick_gelu: (x) => x * sigmoid(1.702 * x),
    relu2: (x) => Math.max(x, 0) ** 2,
    swish: (x) => x * sigmoid(x),
    relu: (x) => Math.max(0, x),
    silu: (x) => x * sigmoid(x),
    tanh: Math.tanh,
  }
  for (const [name, f] of Object.entries(references)) {
    it(`${name} is its formula and has its gradient`, async () => {
      const graph = new Graph(name)
      const x = random(`input of ${name}`, [4, 6], -4, 4)
      const { values, feeds } = declare(graph, { x })
      const y = activations[name as ActivationName](values.x)
      graph.output('y', y)
      giveOutGradients(weighed(y, random('weights', x.shape, 0.5, 2), feeds), [values.x])
      const { outputs } = await checkGradients(graph, feeds)
      expectClose(fromHost(outputs['y']!), elementwise(f, x))
    })
  }
})

describe('attention', () => {
  const [batch, heads, sequence, size] = [2, 3, 5, 4]
  const shape = [batch, heads, sequence, size]
  const qkv = { q: random('q', shape), k: random('k', shape), v: random('v', shape) }
  const masks = {
    'no padding': constant([batch, sequence], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
    'padding on the right': constant([batch, sequence], [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]),
    'padding on the left': constant([batch, sequence], [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]),
  }

  /** Position by position: weights eˢ over the real positions up to its own. */
  function reference(mask: Tensor, scale: number): Tensor {
    const dot = (b: number, h: number, i: number, j: number) =>
      Array.from({ length: size }, (_, d) => read(qkv.q, [b, h, i, d]) * read(qkv.k, [b, h, j, d])).reduce(
        (s, x) => s + x,
      )
    return tensor(shape, ([b, h, i, d]) => {
      const seen = Array.from({ length: i! + 1 }, (_, j) => j).filter((j) => read(mask, [b!, j]) === 1)
      const weights = seen.map((j) => Math.exp(scale * dot(b!, h!, i!, j)))
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      return seen.reduce((sum, j, n) => sum + (weights[n]! / total) * read(qkv.v, [b!, h!, j, d!]), 0)
    })
  }

  for (const [title, mask] of Object.entries(masks)) {
    it(`looks back at real tokens only and has the gradients by q, k and v, ${title}`, async () => {
      const graph = new Graph('attention')
      const symbolic = ['batch', heads, 'sequence', size]
      const { values, feeds } = declare(graph, qkv, { q: symbolic, k: symbolic, v: symbolic })
      const attentionMask = graph.input('attention_mask', 'int64', ['batch', 'sequence'])
      feeds['attention_mask'] = toHost(mask, 'int64')
      const output = attention(values.q, values.k, values.v, causalMask(attentionMask, 'float64'), 0.7)
      graph.output('output', output)
      // What a padding position attends to means nothing, and has no weight in the loss.
      const real = (x: Tensor) =>
        tensor(shape, (index) => read(x, index) * read(mask, [index[0]!, index[2]!]))
      giveOutGradients(weighed(output, real(random('weights', shape)), feeds), Object.values(values))
      const { outputs } = await checkGradients(graph, feeds)
      expectClose(real(fromHost(outputs['output']!)), real(reference(mask, 0.7)))
    })
  }

  it('with a cache equals attention over cache and new positions joined, with the same gradients', async () => {
    const graph = new Graph('cached attention')
    const [queries, slots] = [
      ['batch', heads, 'fresh', size],
      ['batch', heads, 'past', size],
    ]
    const cut = { q: [batch, heads, 2, size], past: [batch, heads, 3, size], fresh: [batch, heads, 2, size] }
    const { values, feeds } = declare(
      graph,
      {
        q: random('q', cut.q),
        past_key: random('past key', cut.past),
        past_value: random('past value', cut.past),
        key: random('key', cut.fresh),
        value: random('value', cut.fresh),
      },
      { q: queries, past_key: slots, past_value: slots, key: queries, value: queries },
    )
    const fresh = graph.input('input_ids', 'int64', ['batch', 'fresh'])
    feeds['input_ids'] = toHost(constant([batch, 2], [0, 0, 0, 0]), 'int64')
    const attentionMask = graph.input('attention_mask', 'int64', ['batch', 'fresh+past'])
    feeds['attention_mask'] = toHost(constant([batch, 5], [1, 1, 1, 1, 1, 0, 1, 1, 1, 1]), 'int64')
    const mask = cachedCausalMask(fresh, attentionMask, 'float64')
    const { q, past_key, past_value, key, value } = values
    const output = cachedAttention(q, { key: past_key, value: past_value }, { key, value }, mask, 0.5)
    graph.output('cached', output)
    graph.output(
      'joined',
      attention(q, concat([past_key, key], 2), concat([past_value, value], 2), mask, 0.5),
    )
    giveOutGradients(weighed(output, random('weights', cut.q), feeds), Object.values(values))
    const { outputs } = await checkGradients(graph, feeds)
    expectClose(fromHost(outputs['cached']!), fromHost(outputs['joined']!))
  })
})

describe('attention of groups', () => {
  const [batch, heads, kvHeads, size] = [2, 6, 2, 3]

  it('is attention with keys and values repeated for each head of a group, with the summed gradients', async () => {
    const graph = new Graph('groups')
    const { values, feeds } = declare(
      graph,
      {
        q: random('q', [batch, heads, 4, size]),
        k: random('k', [batch, kvHeads, 4, size]),
        v: random('v', [batch, kvHeads, 4, size]),
      },
      Object.fromEntries(
        ['q', 'k', 'v'].map((name) => [name, ['batch', name === 'q' ? heads : kvHeads, 'sequence', size]]),
      ),
    )
    const attentionMask = graph.input('attention_mask', 'int64', ['batch', 'sequence'])
    feeds['attention_mask'] = toHost(constant([batch, 4], [1, 1, 1, 1, 0, 1, 1, 1]), 'int64')
    const mask = causalMask(attentionMask, 'float64')
    const output = attention(values.q, values.k, values.v, mask, 0.6)
    const repeated = (x: Value) =>
      concat(
        split(x, 1, [1, 1]).flatMap((head) => [head, head, head]),
        1,
      )
    graph.output('output', output)
    graph.output('repeated', attention(values.q, repeated(values.k), repeated(values.v), mask, 0.6))
    giveOutGradients(
      weighed(output, random('weights', [batch, heads, 4, size]), feeds),
      Object.values(values),
    )
    const { outputs } = await checkGradients(graph, feeds)
    expectClose(fromHost(outputs['output']!), fromHost(outputs['repeated']!))
  })

  it('with a cache equals attention over cache and new positions joined', async () => {
    const graph = new Graph('cached groups')
    const shapes = { q: heads, past_key: kvHeads, past_value: kvHeads, key: kvHeads, value: kvHeads }
    const { values, feeds } = declare(
      graph,
      Object.fromEntries(
        Object.entries(shapes).map(([name, count]) => [
          name,
          random(name, [batch, count, name.startsWith('past') ? 3 : 2, size]),
        ]),
      ) as Record<keyof typeof shapes, Tensor>,
      Object.fromEntries(
        Object.entries(shapes).map(([name, count]) => [
          name,
          ['batch', count, name.startsWith('past') ? 'past' : 'fresh', size],
        ]),
      ),
    )
    const { q, past_key, past_value, key, value } = values
    const mask = graph.constant([0], 'float64', [1, 1, 1, 1])
    graph.output(
      'cached',
      cachedAttention(q, { key: past_key, value: past_value }, { key, value }, mask, 0.5),
    )
    graph.output(
      'joined',
      attention(q, concat([past_key, key], 2), concat([past_value, value], 2), mask, 0.5),
    )
    const { cached, joined } = await evaluate(graph, feeds)
    expectClose(cached!, joined!)
  })
})

describe('windows of attention', () => {
  const seen = (mask: Tensor): string[] =>
    Array.from({ length: mask.shape[2]! }, (_, i) =>
      Array.from({ length: mask.shape[3]! }, (_, j) => (read(mask, [0, 0, i, j]) === 0 ? '1' : '.')).join(''),
    )

  it('are the nearest positions, past an answer that is not seen', async () => {
    const graph = new Graph('answers')
    const input = (name: string) => graph.input(name, 'int64', ['batch', 'sequence'])
    const positions = lookedUp(input('position_ids'), 9)
    const full = answersMask(lookedUp(input('attention_mask'), 9), 'float32')
    graph.output('mask', windowed(full, positions, positions, 3))
    const { mask } = await evaluate(graph, {
      position_ids: toHost(constant([1, 8], [0, 1, 2, 3, 4, 3, 4, 5]), 'int64'),
      attention_mask: toHost(constant([1, 8], [1, 1, 1, 2, 2, 3, 3, 3]), 'int64'),
    })
    expect(seen(mask!)).to.deep.equal([
      '1.......',
      '11......',
      '111.....',
      '.111....',
      '..111...',
      '.11..1..',
      '..1..11.',
      '.....111',
    ])
  })

  it('pass over the empty slots of a cache and padding', async () => {
    const graph = new Graph('cached window')
    const fresh = graph.input('input_ids', 'int64', ['batch', 'fresh'])
    const positions = lookedUp(graph.input('position_ids', 'int64', ['batch', 'fresh']), 9)
    const attentionMask = lookedUp(graph.input('attention_mask', 'int64', ['batch', 'slots']), 9)
    const full = cachedCausalMask(lookedUp(fresh, 9), attentionMask, 'float32')
    graph.output('mask', windowed(full, positions, cachedPositions(attentionMask), 3))
    const { mask } = await evaluate(graph, {
      input_ids: toHost(constant([1, 2], [5, 5]), 'int64'),
      position_ids: toHost(constant([1, 2], [3, 4]), 'int64'),
      attention_mask: toHost(constant([1, 8], [0, 1, 1, 1, 0, 0, 1, 1]), 'int64'),
    })
    expect(seen(mask!)).to.deep.equal(['..11..1.', '...1..11'])
  })
})

describe('RMS normalization', () => {
  for (const offset of [0, 1] as const)
    it(`divides by the root mean square and has its gradients, weight + ${offset}`, async () => {
      const given = { x: random('x', [3, 2, 5]), weight: random('weight', [5]) }
      const graph = new Graph('rms norm')
      const { values, feeds } = declare(graph, given)
      const y = rmsNorm(values.x, values.weight, 0.01, offset)
      graph.output('y', y)
      giveOutGradients(weighed(tanh(y), random('weights', [3, 2, 5]), feeds), Object.values(values))
      const { outputs } = await checkGradients(graph, feeds)
      const expected = tensor([3, 2, 5], ([i, j, n]) => {
        const square = [0, 1, 2, 3, 4].reduce((sum, m) => sum + read(given.x, [i!, j!, m]) ** 2, 0)
        return (
          (read(given.x, [i!, j!, n!]) / Math.sqrt(square / 5 + 0.01)) * (given.weight.data[n!]! + offset)
        )
      })
      expectClose(fromHost(outputs['y']!), expected)
    })
})

describe('rotary position embeddings', () => {
  it('turn halves of heads by position times frequency, and gradients back', async () => {
    const given = [0, 3, 255, 256, 70_001]
    const x = random('x', [1, 2, given.length, 6])
    const graph = new Graph('rotary')
    const { values, feeds } = declare(graph, { x }, { x: [1, 2, 'sequence', 6] })
    const positions = graph.input('positions', 'float32', [1, 'sequence'])
    feeds['positions'] = toHost(constant([1, given.length], given), 'float32')
    const frequencies = rotaryFrequencies({ rope_type: 'linear', factor: 4, rope_theta: 500 }, 6)
    const y = rotated(values.x, rotation(positions, frequencies, 131_072, 'float64'))
    graph.output('y', y)
    giveOutGradients(weighed(tanh(y), random('weights', x.shape), feeds), [values.x])
    const { outputs } = await checkGradients(graph, feeds)
    const expected = tensor(x.shape, ([b, h, p, n]) => {
      const angle = (given[p!]! * 500 ** ((-2 * (n! % 3)) / 6)) / 4
      const other = read(x, [b!, h!, p!, (n! + 3) % 6])
      return read(x, [b!, h!, p!, n!]) * Math.cos(angle) + (n! < 3 ? -other : other) * Math.sin(angle)
    })
    expectClose(fromHost(outputs['y']!), expected, 1e-10)
  })
})

describe('LoRA', () => {
  const tensors = {
    x: random('x', [5, 4]),
    weight: random('weight', [4, 6]),
    bias: random('bias', [6]),
    A: random('A', [2, 4]),
    B: random('B', [6, 2]),
  }

  it('adds scale·(x·Aᵀ)·Bᵀ to a linear layer and has the gradients by everything', async () => {
    const graph = new Graph('lora')
    const { values, feeds } = declare(graph, { ...tensors, scale: constant([], [1.5]) })
    const { x, weight, bias, A, B, scale } = values
    const output = lora(x, linear(x, weight, bias), { A, B, scale })
    graph.output('output', output)
    giveOutGradients(weighed(tanh(output), random('weights', [5, 6]), feeds), Object.values(values))
    const { outputs } = await checkGradients(graph, feeds)
    const merged = tensor([4, 6], ([i, j]) => {
      const delta = [0, 1].reduce((sum, r) => sum + read(tensors.A, [r, i!]) * read(tensors.B, [j!, r]), 0)
      return read(tensors.weight, [i!, j!]) + 1.5 * delta
    })
    const expected = tensor([5, 6], ([n, j]) =>
      [0, 1, 2, 3].reduce(
        (sum, i) => sum + read(tensors.x, [n!, i]) * read(merged, [i, j!]),
        tensors.bias.data[j!]!,
      ),
    )
    expectClose(fromHost(outputs['output']!), expected)
  })

  it('with scale 0 is the frozen layer, bit for bit', async () => {
    const graph = new Graph('lora')
    const { values, feeds } = declare(graph, { ...tensors, scale: constant([], [0]) })
    const base = linear(values.x, values.weight, values.bias)
    graph.output('base', base)
    graph.output('adapted', lora(values.x, base, values))
    const { base: frozen, adapted } = await evaluate(graph, feeds)
    expect(adapted).to.deep.equal(frozen)
  })
})

describe('token negative log-likelihood', () => {
  const labels = [3, 0, 3, 6]
  const build = (hidden: Tensor, head: Tensor, wrap: (hidden: Value, head: Value) => Value = (h) => h) => {
    const graph = new Graph('loss')
    const { values, feeds } = declare(
      graph,
      { hidden, head, weights: constant([4], [0.1, 0.4, 0.2, 0.3]) },
      { hidden: ['labelled', 5], weights: ['labelled'] },
    )
    const ids = graph.input('labels', 'int64', ['labelled'])
    feeds['labels'] = toHost(constant([4], labels), 'int64')
    const nll = tokenNegativeLogLikelihood(wrap(values.hidden, values.head), values.head, ids)
    graph.output('nll', nll)
    return { graph, feeds, values, loss: weightedSum(nll, values.weights) }
  }

  const reference = (hidden: Tensor, head: Tensor): number[] =>
    labels.map((label, row) => {
      const logits = Array.from({ length: head.shape[0]! }, (_, token) =>
        Array.from(
          { length: head.shape[1]! },
          (_, i) => read(hidden, [row, i]) * read(head, [token, i]),
        ).reduce((s, x) => s + x),
      )
      const largest = Math.max(...logits)
      return largest + Math.log(logits.reduce((sum, z) => sum + Math.exp(z - largest), 0)) - logits[label]!
    })

  it('is logsumexp less the label, with the gradients by hidden states, head and weights', async () => {
    const [hidden, head] = [random('hidden', [4, 5]), random('head', [7, 5])]
    const { graph, feeds, values, loss } = build(hidden, head)
    giveOutGradients(loss, Object.values(values))
    const { outputs } = await checkGradients(graph, feeds)
    expectClose(fromHost(outputs['nll']!), constant([4], reference(hidden, head)))
  })

  it('has the gradient of a head that the hidden states come from, too', async () => {
    const tied = (hidden: Value, head: Value) => tanh(gemm(gemm(hidden, head, { transB: true }), head))
    const { graph, feeds, values, loss } = build(random('hidden', [4, 5]), random('head', [7, 5]), tied)
    giveOutGradients(loss, Object.values(values))
    await checkGradients(graph, feeds)
  })

  it('stays finite and exact where probabilities underflow', async () => {
    const [hidden, head] = [random('hidden', [4, 5], -40, 40), random('head', [7, 5], -40, 40)]
    const { graph, feeds } = build(hidden, head)
    const { nll } = await evaluate(graph, feeds)
    expect(Math.max(...nll!.data), 'far beyond e^-745').to.be.greaterThan(1500)
    expectClose(nll!, constant([4], reference(hidden, head)), 1e-9)
  })
})

describe('layers/cosine_similarity', () => {
  it('is the cosine of each row, with its gradient', async () => {
    const given = { a: random('a', [3, 4], -1, 1), b: random('b', [3, 4], -1, 1) }
    const graph = new Graph('cosines')
    const { values, feeds } = declare(graph, given)
    const cosines = cosineSimilarity(values.a, values.b)
    graph.output('cosines', cosines)
    const loss = weighed(cosines, constant([3], [0.5, -1, 2]), feeds)
    const { outputs } = await checkGradients(giveOutGradients(loss, [values.a, values.b]), feeds)
    const dot = (x: Tensor, y: Tensor, row: number) =>
      [0, 1, 2, 3].reduce((sum, i) => sum + read(x, [row, i]) * read(y, [row, i]), 0)
    const expected = tensor(
      [3],
      ([row]) =>
        dot(given.a, given.b, row!) / Math.sqrt(dot(given.a, given.a, row!) * dot(given.b, given.b, row!)),
    )
    expectClose(fromHost(outputs['cosines']!), expected)
  })
})
