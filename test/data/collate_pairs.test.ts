import { expect } from 'chai'
import fc from 'fast-check'

import { collatePairs } from '../../src/data/batches/collate_pairs.ts'
import { NO_LOSS } from '../../src/data/examples/encode.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { anyPair, pairOf } from './pairs.ts'

const numbers = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number)

const valuesOf = (feeds: Feeds) =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { dims, data }]) => [name, { dims, data: numbers(data) }]),
  )

/** Takes sequences apart again: each pair's two rows as if they had been alone. */
function rowsOf(feeds: Feeds): EncodedExample[][] {
  const values = valuesOf(feeds)
  const [pairs, sequence] = values['input_ids']!.dims as [number, number]
  const at = (name: string, index: number) => values[name]!.data[index]!
  return Array.from({ length: pairs }, (_, b) =>
    [2, 3].map((part, answer) => {
      const seen = Array.from({ length: sequence }, (_, t) => b * sequence + t).filter((index) =>
        [1, part].includes(at('attention_mask', index)),
      )
      const positions = seen.map((index) => at('position_ids', index))
      expect(positions, 'positions').to.deep.equal(seen.map((_, t) => t))
      const labels = new Int32Array(seen.length).fill(NO_LOSS)
      values['label_answers']!.data.forEach((of, i) => {
        if (of !== 2 * b + answer) return
        const predicts = seen.indexOf(at('label_positions', i))
        expect(predicts, 'a position that the answer sees').to.be.at.least(0)
        labels[predicts + 1] = at('labels', i)
      })
      return { input_ids: Int32Array.from(seen, (index) => at('input_ids', index)), labels }
    }),
  )
}

describe('data/collate_pairs', () => {
  it('lays a prompt and both answers in one sequence', () => {
    const feeds = collatePairs([pairOf([5, 6], [7, 9], [8]), pairOf([4], [3], [2])], { total: 4 })
    expect(valuesOf(feeds)).to.deep.equal({
      input_ids: { dims: [2, 5], data: [5, 6, 7, 9, 8, 4, 3, 2, 0, 0] },
      attention_mask: { dims: [2, 5], data: [1, 1, 2, 2, 3, 1, 2, 3, 0, 0] },
      position_ids: { dims: [2, 5], data: [0, 1, 2, 3, 2, 0, 1, 1, 0, 0] },
      label_positions: { dims: [5], data: [1, 2, 1, 5, 5] },
      labels: { dims: [5], data: [7, 9, 8, 3, 2] },
      label_answers: { dims: [5], data: [0, 0, 1, 2, 3] },
      pair_weights: { dims: [2], data: [0.25, 0.25] },
    })
    const types = Object.values(feeds).map(({ dtype }) => dtype)
    expect(types).to.deep.equal([...new Array<string>(6).fill('int64'), 'float32'])
  })

  it('can be taken apart into the two rows again (property)', () => {
    fc.assert(
      fc.property(fc.array(anyPair, { minLength: 1, maxLength: 5 }), (pairs) => {
        const rows = pairs.map((pair) => pair.map(({ input_ids, labels }) => ({ input_ids, labels })))
        expect(rowsOf(collatePairs(pairs, { total: pairs.length }))).to.deep.equal(rows)
      }),
    )
  })

  it('lets nothing predict the first token where there is no prompt', () => {
    const { label_positions, labels, label_answers } = valuesOf(
      collatePairs([pairOf([], [7, 9], [8, 6, 4])], { total: 1 }),
    )
    expect(labels!.data).to.deep.equal([9, 6, 4])
    expect(label_positions!.data).to.deep.equal([0, 2, 3])
    expect(label_answers!.data).to.deep.equal([0, 1, 1])
  })
})
