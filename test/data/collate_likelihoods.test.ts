import { expect } from 'chai'

import { collateLikelihoods, totalOfPairs } from '../../src/data/batches/collate_likelihoods.ts'
import { collatePairs } from '../../src/data/batches/collate_pairs.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { pairOf } from './pairs.ts'

/** 3 7 8 → 1 10 or 4 0 10, and 5 → 9 or 2. */
const pairs = [pairOf([3, 7, 8], [1, 10], [4, 0, 10]), pairOf([5], [9], [2])]

const numbers = (feeds: Feeds, name: string): number[] =>
  Array.from(feeds[name]!.data as Float32Array, Number)
const near = (values: readonly number[]): number[] => Array.from(Float32Array.from(values))

describe('data/collate_likelihoods', () => {
  it('sums up pairs, and the tokens of their chosen sequences or answers', () => {
    expect(totalOfPairs(pairs, 'sequence')).to.deep.equal({ pairs: 2, tokens: 4 + 1 })
    expect(totalOfPairs(pairs, 'answer')).to.deep.equal({ pairs: 2, tokens: 2 + 1 })
    const bare = [pairOf([], [1, 2, 3], [4])]
    expect(totalOfPairs(bare, 'sequence').tokens).to.equal(2)
    expect(totalOfPairs(bare, 'answer').tokens).to.equal(2)
  })

  it("weighs each answer's labels by its length, and the chosen ones by all that is learned", () => {
    const totals = { pairs: 8, tokens: 20 }
    const feeds = collateLikelihoods(pairs, totals, 'answer')
    expect(numbers(feeds, 'label_answers')).to.deep.equal([0, 0, 1, 1, 1, 2, 3])
    const [half, third] = [1 / 2, 1 / 3]
    expect(numbers(feeds, 'answer_weights')).to.deep.equal(near([half, half, third, third, third, 1, 1]))
    expect(numbers(feeds, 'likelihood_weights')).to.deep.equal(near([0.05, 0.05, 0, 0, 0, 0.05, 0]))
    for (const [name, wanted] of Object.entries(collatePairs(pairs, { total: 8 })))
      expect(feeds[name], name).to.deep.equal(wanted)
  })

  it("labels the prompts' tokens as well, of whole sequences, which count for no answer", () => {
    const feeds = collateLikelihoods(pairs, { pairs: 2, tokens: 5 }, 'sequence')
    expect(numbers(feeds, 'labels')).to.deep.equal([1, 10, 4, 0, 10, 9, 2, 7, 8])
    expect(numbers(feeds, 'label_positions')).to.deep.equal([2, 3, 2, 5, 6, 8, 8, 0, 1])
    expect(numbers(feeds, 'label_answers').slice(7)).to.deep.equal([0, 0])
    expect(numbers(feeds, 'answer_weights').slice(7)).to.deep.equal([0, 0])
    const learned = numbers(feeds, 'likelihood_weights')
    expect(learned).to.deep.equal(near([0.2, 0.2, 0, 0, 0, 0.2, 0, 0.2, 0.2]))
    for (const name of ['labels', 'label_positions', 'label_answers', 'answer_weights'])
      expect(feeds[name]!.dims, name).to.deep.equal([9])
  })
})
