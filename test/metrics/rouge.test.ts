import { expect } from 'chai'
import fc from 'fast-check'

import { rouge } from '../../src/metrics/rouge.ts'
import type { RougeScore } from '../../src/metrics/rouge.ts'
import { anyText, parseFixture } from './helpers.ts'

type Triple = [precision: number, recall: number, fmeasure: number]
interface Case {
  readonly hypothesis: string
  readonly reference: string
  readonly stemmer: boolean
  readonly rouge1: Triple
  readonly rouge2: Triple
  readonly rougeL: Triple
}
const kinds = ['rouge1', 'rouge2', 'rougeL'] as const
const triple = ({ precision, recall, fmeasure }: RougeScore): Triple => [precision, recall, fmeasure]

describe('ROUGE', () => {
  const cases = parseFixture<Case[]>('rouge.json')

  it('is that of rouge-score, with and without its stemmer', () => {
    expect(cases).to.have.length.above(180)
    expect(cases.filter(({ rougeL }) => rougeL[2] > 0 && rougeL[2] < 1)).to.have.length.above(60)
    for (const { hypothesis, reference, stemmer, ...expected } of cases) {
      const scores = rouge(hypothesis, reference, { stemmer })
      for (const kind of kinds)
        for (const [i, value] of triple(scores[kind]).entries())
          expect(value, `${kind}[${i}] of ${hypothesis} | ${reference}`).to.be.closeTo(
            expected[kind][i]!,
            1e-12,
          )
    }
  })

  it('leaves words alone by default', () => {
    const apart = cases.filter(({ stemmer }) => !stemmer)
    for (const { hypothesis, reference, rouge1 } of apart)
      expect(rouge(hypothesis, reference).rouge1.fmeasure).to.be.closeTo(rouge1[2], 1e-12)
    expect(rouge('cats', 'cat').rouge1.fmeasure).to.equal(0)
    expect(rouge('running', 'runs', { stemmer: true }).rouge1.fmeasure).to.equal(1)
  })

  it('stays in range, and swaps precision and recall with the texts', () => {
    fc.assert(
      fc.property(anyText, anyText, fc.boolean(), (a, b, stemmer) => {
        const there = rouge(a, b, { stemmer })
        const back = rouge(b, a, { stemmer })
        for (const kind of kinds) {
          const [precision, recall, fmeasure] = triple(there[kind])
          for (const value of [precision, recall, fmeasure]) expect(value).to.be.within(0, 1)
          expect(triple(back[kind])).to.deep.equal([recall, precision, fmeasure])
        }
        expect(there.rougeL.fmeasure).to.be.at.most(there.rouge1.fmeasure)
      }),
    )
  })

  it('gives 1 to identical texts with an ASCII letter or digit, and 0 to others', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { rouge1, rougeL } = rouge(text, text)
        const expected = /[a-z0-9]/.test(text.toLowerCase()) ? 1 : 0
        expect([rouge1.fmeasure, rougeL.fmeasure]).to.deep.equal([expected, expected])
      }),
    )
    expect(rouge('one', 'one').rouge2.fmeasure).to.equal(0)
    expect(rouge('東京', '東京').rouge1.fmeasure).to.equal(0)
  })
})
