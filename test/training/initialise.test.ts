import { expect } from 'chai'

import { sizeOf } from '../../graphs/ir/shape.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2.ts'
import { parseGpt2Config } from '../../src/formats/families/gpt2.ts'
import { seededWeights } from '../../src/runs/initialise.ts'

const config = parseGpt2Config(
  { n_layer: 3, n_head: 2, n_embd: 64, n_positions: 32, vocab_size: 200 },
  'config',
)

/** Mean and standard deviation, and how far they may be from those of `count` independent draws. */
function moments(data: Float32Array): { mean: number; deviation: number } {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length
  const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length
  return { mean, deviation: Math.sqrt(variance) }
}

describe('initial weights', () => {
  const weights = seededWeights(config, 1)

  it('are all parameters of the model, each in its shape', () => {
    const shapes = [...weights].map(([name, { shape }]) => [name, shape])
    expect(shapes).to.deep.equal([...gpt2ParameterShapes(config)])
    for (const { shape, data } of weights.values()) expect(data.length).to.equal(sizeOf(shape))
  })

  it('have the deviations of GPT-2: .02, and .02/√(2·n_layer) into the residual stream', () => {
    for (const [name, { shape, data }] of weights) {
      if (name.endsWith('.bias')) expect(new Set(data), name).to.deep.equal(new Set([0]))
      else if (shape.length === 1) expect(new Set(data), name).to.deep.equal(new Set([1]))
      else {
        const expected = name.endsWith('c_proj.weight') ? 0.02 / Math.sqrt(6) : 0.02
        const { mean, deviation } = moments(data)
        expect(Math.abs(mean), name).to.be.below((5 * expected) / Math.sqrt(data.length))
        expect(Math.abs(deviation - expected), name).to.be.below((5 * expected) / Math.sqrt(2 * data.length))
      }
    }
  })

  it('depend on the seed and the name alone, and follow initializer_range', () => {
    const name = 'transformer.h.1.attn.c_attn.weight'
    const data = (seed: number, changes: object = {}) =>
      seededWeights({ ...config, ...changes }, seed).get(name)!.data
    expect(data(1)).to.deep.equal(weights.get(name)!.data)
    expect(data(1, { n_layer: 2 })).to.deep.equal(weights.get(name)!.data)
    expect(data(2)[0]).not.to.equal(weights.get(name)!.data[0])
    expect(weights.get('transformer.h.0.attn.c_attn.weight')!.data[0]).not.to.equal(
      weights.get(name)!.data[0],
    )
    expect(data(1, { initializer_range: 0.04 })).to.deep.equal(
      weights.get(name)!.data.map((value) => 2 * value),
    )
  })
})
