import { expect } from 'chai'
import fc from 'fast-check'

import { collate, totalLabelled } from '../../src/data/batches/collate.ts'
import { example } from './helpers.ts'

const numbers = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number)

describe('data/collate', () => {
  it('pads on the right and shifts the labels', () => {
    const feeds = collate([[example([5, 6, 7], 1)], [example([8, 9])]], { total: 6 })
    const values = Object.fromEntries(
      Object.entries(feeds).map(([name, tensor]) => [
        name,
        { dims: tensor.dims, data: numbers(tensor.data) },
      ]),
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
    const feeds = collate([[example([5, 6, 7], 1)], [example([8, 9])]], { total: 3, padToMultipleOf: 4 })
    expect(feeds.input_ids!.dims).to.deep.equal([2, 4])
    expect(numbers(feeds.label_positions!.data)).to.deep.equal([0, 1, 4])
  })

  it('numbers the examples of a packed sequence, and begins each at position 0 with a token that nothing predicts', () => {
    const packed = [[example([5, 6, 7], 1), example([8, 9]), example([3])], [example([4, 2], 1)]]
    const feeds = collate(packed, { total: totalLabelled(packed.flat()) })
    const values = Object.fromEntries(
      Object.entries(feeds).map(([name, { dims, data }]) => [name, { dims, data: numbers(data) }]),
    )
    const weight = 1 / 4
    expect(values).to.deep.equal({
      input_ids: { dims: [2, 6], data: [5, 6, 7, 8, 9, 3, 4, 2, 0, 0, 0, 0] },
      attention_mask: { dims: [2, 6], data: [1, 1, 1, 2, 2, 3, 1, 1, 0, 0, 0, 0] },
      position_ids: { dims: [2, 6], data: [0, 1, 2, 0, 1, 0, 0, 1, 0, 0, 0, 0] },
      label_positions: { dims: [4], data: [0, 1, 3, 6] },
      labels: { dims: [4], data: [6, 7, 9, 2] },
      label_weights: { dims: [4], data: [weight, weight, weight, weight] },
    })
  })

  it('names for each label a real position whose next token it is (property)', () => {
    const row = fc
      .tuple(fc.array(fc.nat(50_000), { minLength: 1, maxLength: 20 }), fc.nat(20))
      .map(([ids, from]) => example(ids, from))
    const sequence = fc.array(row, { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(fc.array(sequence, { minLength: 1, maxLength: 6 }), (sequences) => {
        const examples = sequences.flat()
        const total = totalLabelled(examples)
        const feeds = collate(sequences, { total })
        const ids = numbers(feeds.input_ids!.data)
        const mask = numbers(feeds.attention_mask!.data)
        const positions = numbers(feeds.label_positions!.data)
        expect(positions).to.have.length(total)
        expect(new Set(positions).size).to.equal(total)
        for (const [i, position] of positions.entries()) {
          expect(Number(feeds.labels!.data[i])).to.equal(ids[position + 1])
          expect(mask[position + 1], 'of one example')
            .to.equal(mask[position])
            .and.to.be.greaterThan(0)
        }
        expect(mask.filter((number) => number > 0).length).to.equal(
          examples.reduce((sum, { input_ids }) => sum + input_ids.length, 0),
        )
      }),
    )
  })
})
