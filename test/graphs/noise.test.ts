import { expect } from 'chai'

import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { attention } from '../../graphs/layers/attention.ts'
import { attentionNoise, kept, perToken, rowNoise } from '../../graphs/layers/noise.ts'
import { declareNoise } from '../../graphs/models/model_noise.ts'
import { cast, mul, reduceSum, reshape } from '../../graphs/ops/index.ts'
import { sftTrainingGraph } from '../../graphs/tasks/sft.ts'
import { noiseFeeds } from '../../src/learning/noise.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { HostTensor, Session } from '../../src/runtime/session.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { numbersOf } from './gpt2_fixtures.ts'
import { random, toHost } from './tensor.ts'
import { tiny } from './tiny_gpt2.ts'

const [BATCH, SEQUENCE, WIDTH, HEADS] = [4, 32, 96, 3]
const P = 0.3

const ids = (rows: number, width: number): HostTensor => ({
  dtype: 'int64',
  dims: [rows, width],
  data: new BigInt64Array(rows * width),
})
const keysAt = (step: number, rows = BATCH, first = 0, width = SEQUENCE) =>
  noiseFeeds({ inputNames: ['noise_keys'] }, { input_ids: ids(rows, width) }, 7, {
    ...{ step, first, sequences: rows },
  })

/** Means, and how far each is from 0 by chance. */
function correlation(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const mean = (z: ArrayLike<number>) => Array.from(z).reduce((sum, one) => sum + one, 0) / z.length
  const [mx, my] = [mean(x), mean(y)]
  let [xy, xx, yy] = [0, 0, 0]
  for (let i = 0; i < x.length; i++) {
    xy += (x[i]! - mx) * (y[i]! - my)
    xx += (x[i]! - mx) ** 2
    yy += (y[i]! - my) ** 2
  }
  return (xy / Math.sqrt(xx * yy)) * Math.sqrt(x.length)
}

describe('layers/noise', () => {
  let session: Session
  const draw = async (step: number) => numbersOf(await session.run(keysAt(step)))
  before(async () => {
    const graph = new Graph('noise')
    const keys = graph.input('noise_keys', 'int32', ['batch', 'sequence'])
    for (const place of [0, 1, 40]) graph.output(`rows${place}`, rowNoise(perToken(keys), place, WIDTH))
    const pairs = attentionNoise(keys, 2, HEADS)
    graph.output('pairs', pairs)
    graph.output('kept', cast(kept(pairs, P), 'float32'))
    session = await openNodeSession(serialize(graph))
  })
  after(() => session.release())

  /** Within five standard deviations of what chance gives. */
  const byChance = (deviations: number, what: string) => expect(Math.abs(deviations), what).to.be.below(5)

  it('is uniform: mean, variance, and as many in each sixteenth', async () => {
    for (const [name, z] of Object.entries(await draw(1))) {
      if (name === 'kept') continue
      const n = z.length
      const u = Array.from(z, (one) => one / 2 ** 32)
      byChance(u.reduce((sum, one) => sum + one, 0) * Math.sqrt(12 / n), `mean of ${name}`)
      const variance = u.reduce((sum, one) => sum + one * one, 0) / n
      byChance((variance - 1 / 12) * Math.sqrt(180 * n), `variance of ${name}`)
      const counts = new Float64Array(16)
      for (const one of u) counts[Math.floor((one + 0.5) * 16)]!++
      const chi2 = counts.reduce((sum, count) => sum + (count - n / 16) ** 2 / (n / 16), 0)
      byChance((chi2 - 15) / Math.sqrt(30), `χ² of ${name}`)
    }
  })

  it('has nothing in common between neighbours, rows, heads, places and steps', async () => {
    const [one, two] = [await draw(1), await draw(2)]
    const apart = (z: ArrayLike<number>, by: number) => {
      const all = Array.from(z)
      return correlation(all.slice(by), all.slice(0, -by))
    }
    for (const name of ['rows0', 'rows40'])
      for (const by of [1, 2, WIDTH, 2 * WIDTH, SEQUENCE * WIDTH])
        byChance(apart(one[name]!, by), `${name} ${by}`)
    for (const by of [1, SEQUENCE, SEQUENCE + 1, SEQUENCE ** 2, HEADS * SEQUENCE ** 2])
      byChance(apart(one['pairs']!, by), `pairs ${by}`)
    byChance(correlation(one['rows0']!, one['rows1']!), 'places')
    byChance(correlation(one['rows1']!, one['rows40']!), 'places')
    for (const name of ['rows0', 'pairs']) byChance(correlation(one[name]!, two[name]!), `steps of ${name}`)
    // A query's and a key's part: the transpose is another one.
    const at = (i: number, j: number) => one['pairs']![i * SEQUENCE + j]!
    const upper = Array.from({ length: SEQUENCE }, (_, i) =>
      Array.from({ length: i }, (_, j) => [i, j] as const),
    )
    const all = upper.flat()
    byChance(
      correlation(
        all.map(([i, j]) => at(i, j)),
        all.map(([i, j]) => at(j, i)),
      ),
      'transposed',
    )
  })

  it('has nothing in common in fours that span a rectangle', async () => {
    const sign = (one: number) => (one < 0 ? -1 : 1)
    for (const [name, columns] of [
      ['rows0', WIDTH],
      ['pairs', SEQUENCE],
    ] as const) {
      const z = (await draw(3))[name]!
      let [sum, count] = [0, 0]
      for (let i = 0; i + 1 < SEQUENCE; i += 2)
        for (let j = 0; j + 1 < columns; j += 2, count++)
          sum += [0, 1, columns, columns + 1].reduce(
            (product, d) => product * sign(z[i * columns + j + d]!),
            1,
          )
      byChance(sum / Math.sqrt(count), name)
    }
  })

  it('keeps as many as it should', async () => {
    const { kept } = await draw(4)
    const n = kept!.length
    const stayed = kept!.reduce((sum, one) => sum + one, 0)
    byChance((stayed - n * (1 - P)) / Math.sqrt(n * P * (1 - P)), 'kept')
  })

  it('is fed the same numbers however a step is cut, and whatever the padding', () => {
    const whole = keysAt(5)['noise_keys']!.data
    const second = keysAt(5, 2, 2)['noise_keys']!.data
    expect([...second]).to.deep.equal([...whole.subarray(2 * SEQUENCE)])
    expect([...keysAt(5, 1, 1, 10)['noise_keys']!.data]).to.deep.equal([
      ...whole.subarray(SEQUENCE, SEQUENCE + 10),
    ])
    expect([...keysAt(6)['noise_keys']!.data]).not.to.deep.equal([...whole])
    for (const key of whole as Int32Array) expect(key & 1).to.equal(1)
  })
})

describe('noise of a model', () => {
  const [batch, sequence, width] = [2, 5, 4]
  const tokens = (graph: Graph) => ({
    input_ids: graph.input('input_ids', 'int64', ['batch', 'sequence']),
    attention_mask: cast(graph.input('attention_mask', 'int64', ['batch', 'sequence']), 'float32'),
  })
  const mask: HostTensor = {
    dtype: 'int64',
    dims: [batch, sequence],
    data: BigInt64Array.from([1, 1, 1, 1, 1, 1, 1, 1, 0, 0], BigInt),
  }
  const feeds = {
    ...keysAt(1, batch, 0, sequence),
    attention_mask: mask,
    input_ids: ids(batch, sequence),
  }

  it('is an input of graphs that learn with some, and of no others', () => {
    const lora = { r: 2, lora_alpha: 4, target_modules: ['c_attn'] }
    const takes = (graph: Graph) => graph.inputs.some(({ name }) => name === 'noise_keys')
    const config = { ...tiny, attn_pdrop: 0.1, embd_pdrop: 0, resid_pdrop: 0 }
    for (const [noise, dropping, expected] of [
      [{}, 0, false],
      [{}, 0.1, true],
      [{ dropout: true }, 0, true],
      [{ neftune_noise_alpha: 5 }, 0, true],
      [undefined, 0.1, false],
    ] as const)
      expect(
        takes(sftTrainingGraph({ config, lora: { ...lora, lora_dropout: dropping }, noise })),
        JSON.stringify({ noise, dropping }),
      ).to.equal(expected)
  })

  it('is that of NEFTune: within ±α/√(L·d), L the tokens of each sequence', async () => {
    const graph = new Graph('neftune')
    const noise = declareNoise(graph, tokens(graph), { neftune_noise_alpha: 5 }, 'float32')
    const x = graph.input('x', 'float32', ['batch', 'sequence', width])
    graph.output('y', noise.embedded(x))
    const session = await openNodeSession(serialize(graph))
    const zeros = { dtype: 'float32', dims: [batch, sequence, width], data: new Float32Array(40) } as const
    const y = numbersOf(await session.run({ ...feeds, x: zeros }))['y']!
    await session.release()
    for (const [row, length] of [5, 3].entries()) {
      const bound = 5 / Math.sqrt(length * width)
      const largest = Math.max(...Array.from(y.slice(20 * row, 20 * row + 4 * length), Math.abs))
      expect(largest)
        .to.be.at.most(bound)
        .and.above(0.6 * bound)
    }
  })

  it('has the gradients of what it drops: of features, of sequences and of attention', async () => {
    const graph = new Graph('dropout')
    const noise = declareNoise(graph, tokens(graph), { dropout: true }, 'float64')
    const x = graph.input('x', 'float64', ['batch*sequence', width])
    const pooled = graph.input('pooled', 'float64', ['batch', width])
    const [q, k, v] = ['q', 'k', 'v'].map((name) =>
      graph.input(name, 'float64', ['batch', 2, 'sequence', width]),
    )
    const seen = graph.input('seen', 'float64', ['batch', 1, 1, 'sequence'])
    const attended = attention(q!, k!, v!, seen, 0.5, noise.attention(0.4, 2))
    const dropped = noise.drop(x, 0.4)
    const weights = graph.input('weights', 'float64', ['batch*sequence', width])
    const sums = [
      mul(dropped, weights),
      noise.dropAdapted(pooled, 0.4),
      reshape(attended, ['batch*2*sequence', width]),
    ].map((one) => reduceSum(mul(one, one), [0, 1], false))
    graph.output('dropped', dropped)
    giveOutGradients(
      sums.reduce((sum, one) => mul(sum, one)),
      [x, pooled, q!, k!, v!],
    )
    const drawn = (name: string, shape: readonly number[]) => toHost(random(name, shape, 0.5, 1.5), 'float64')
    const { outputs } = await checkGradients(graph, {
      ...feeds,
      x: drawn('x', [10, width]),
      pooled: drawn('pooled', [batch, width]),
      q: drawn('q', [batch, 2, sequence, width]),
      k: drawn('k', [batch, 2, sequence, width]),
      v: drawn('v', [batch, 2, sequence, width]),
      weights: drawn('weights', [10, width]),
      seen: toHost(random('seen', [batch, 1, 1, sequence], 0, 0), 'float64'),
    })
    const found = numbersOf(outputs)['dropped']!
    expect(found.filter((one) => one === 0).length).to.be.within(6, 26)
  })
})
