import { expect } from 'chai'
import fc from 'fast-check'

import { collate, totalLabelled } from '../../src/data/collate.ts'
import { example } from './helpers.ts'

const numbers = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number)

describe('data/collate', () => {
  it('pads on the right and shifts the labels', () => {
    const feeds = collate([example([5, 6, 7], 1), example([8, 9])], { total: 6 })
    const values = Object.fromEntries(
      Object.entries(feeds).map(([name, tensor]) => [name, { dims: tensor.dims, data: numbers(tensor.data) }]),
    )
    const [weight] = new Float32Array([1 / 6])
    expect(values).to.deep.equal({
      input_ids: { dims: [2, 3], data: [5, 6, 7, 8, 9, 0] },
      attention_mask: { dims: [2, 3], data: [1, 1, 1, 1, 1, 0] },
      position_ids: { dims: [2, 3], data: [0, 1, 2, 0, 1, 0] },
      label_positions: { dims: [3], data: [0, 1, 3] },
      labels: { dims: [3], data: [6, 7, 9] },
      label_weights: { dims: [3], data: [weight, weight, weight] },
    })
    expect(Object.values(feeds).map(({ dtype }) => dtype)).to.deep.equal([
      ...['int64', 'int64', 'int64', 'int64', 'int64', 'float32'],
    ])
  })

  it('pads to a multiple where asked', () => {
    const feeds = collate([example([5, 6, 7], 1), example([8, 9])], { total: 3, padToMultipleOf: 4 })
    expect(feeds.input_ids!.dims).to.deep.equal([2, 4])
    expect(numbers(feeds.label_positions!.data)).to.deep.equal([0, 1, 4])
  })

  it('names for each label a real position whose next token it is (property)', () => {
    const row = fc
      .tuple(fc.array(fc.nat(50_000), { minLength: 1, maxLength: 20 }), fc.nat(20))
      .map(([ids, from]) => example(ids, from))
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 6 }), (examples) => {
        const total = totalLabelled(examples)
        const feeds = collate(examples, { total })
        const ids = numbers(feeds.input_ids!.data)
        const mask = numbers(feeds.attention_mask!.data)
        const positions = numbers(feeds.label_positions!.data)
        expect(positions).to.have.length(total)
        expect(new Set(positions).size).to.equal(total)
        for (const [i, position] of positions.entries()) {
          expect(Number(feeds.labels!.data[i])).to.equal(ids[position + 1])
          expect(mask[position + 1]).to.equal(1)
        }
        expect(mask.reduce((sum, m) => sum + m, 0)).to.equal(
          examples.reduce((sum, { input_ids }) => sum + input_ids.length, 0),
        )
      }),
    )
  })
})
