import { expect } from 'chai'
import fc from 'fast-check'

import { UserError } from '../../src/errors.ts'
import { bleu, sentenceBleu } from '../../src/metrics/bleu.ts'
import type { Bleu, BleuOptions } from '../../src/metrics/bleu.ts'
import { pair, parseFixture } from './helpers.ts'

interface Corpus {
  readonly hypotheses: string[]
  readonly references: string[][]
  readonly cases: (Bleu & { options: BleuOptions })[]
}
type Sentence = Bleu & { hypothesis: string; references: string[]; smoothing: 'exp' | 'floor' }

/** Within 1e-9 of sacrebleu's number, relatively. */
function expectEqual(actual: Bleu, expected: Bleu, message: string): void {
  const close = (a: number, b: number) => expect(a, message).to.be.closeTo(b, 1e-9 * Math.abs(b))
  close(actual.score, expected.score)
  close(actual.brevity_penalty, expected.brevity_penalty)
  expect(actual.precisions).to.have.length(4)
  for (const [n, precision] of actual.precisions.entries()) close(precision, expected.precisions[n]!)
  expect(actual.hypothesis_length, message).to.equal(expected.hypothesis_length)
  expect(actual.reference_length, message).to.equal(expected.reference_length)
}

describe('BLEU', () => {
  it('is that of sacrebleu for corpora, under every option', () => {
    const corpora = parseFixture<Corpus[]>('bleu_corpora.json')
    expect(corpora.flatMap(({ cases }) => cases)).to.have.length(3 * 48)
    for (const { hypotheses, references, cases } of corpora)
      for (const expected of cases)
        expectEqual(
          bleu(hypotheses, references, expected.options),
          expected,
          JSON.stringify([hypotheses[0], expected.options]),
        )
  })

  it('is that of sacrebleu for single texts, odd ones included', () => {
    const sentences = parseFixture<Sentence[]>('bleu_sentences.json')
    expect(sentences).to.have.length.above(80)
    expect(sentences.filter(({ score }) => score > 0 && score < 99)).to.have.length.above(40)
    for (const expected of sentences)
      expectEqual(
        sentenceBleu(expected.hypothesis, expected.references, { smoothing: expected.smoothing }),
        expected,
        JSON.stringify(expected),
      )
  })

  it('has the options of sacrebleu as defaults', () => {
    const [{ hypotheses, references, cases }] = parseFixture<[Corpus]>('bleu_corpora.json')
    const expected = cases.find(
      ({ options }) =>
        options.tokenizer === '13a' &&
        options.smoothing === 'exp' &&
        options.lowercase === false &&
        options.effectiveOrder === false,
    )!
    expectEqual(bleu(hypotheses, references), expected, 'defaults')
  })

  it('stays in range, whatever the texts', () => {
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 6 }), (pairs) => {
        const result = bleu(
          pairs.map(([hypothesis]) => hypothesis),
          pairs.map(([, references]) => references),
        )
        expect(result.score).to.be.within(0, 100 + 1e-9)
        expect(result.brevity_penalty).to.be.within(0, 1)
        for (const precision of result.precisions) expect(precision).to.be.within(0, 100)
      }),
    )
  })

  it('does not depend on the order of the pairs or of the references', () => {
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 6 }), (pairs) => {
        const score = (list: typeof pairs) =>
          bleu(
            list.map(([hypothesis]) => hypothesis),
            list.map(([, references]) => references),
          )
        const turned = pairs.map(([hypothesis, references]): (typeof pairs)[0] => [
          hypothesis,
          references.toReversed(),
        ])
        expect(score(turned.reverse())).to.deep.equal(score(pairs))
      }),
    )
  })

  it('gives 100 to a text that is one of its own references, if it has a word', () => {
    fc.assert(
      fc.property(pair, ([text, others]) => {
        const score = sentenceBleu(text, [...others, text], { tokenizer: 'none' }).score
        expect(score).to.be.closeTo(text.trim() === '' ? 0 : 100, 1e-9)
      }),
    )
    expect(bleu(['four words are enough'], [['four words are enough']]).score).to.be.closeTo(100, 1e-9)
    expect(sentenceBleu('', ['']).score).to.equal(0)
  })

  it('says what is missing', () => {
    expect(() => bleu([], [])).to.throw(UserError, /^BLEU: there is no hypothesis/)
    expect(() => bleu(['a', 'b'], [['a']])).to.throw(UserError, /2 hypotheses but references for 1/)
    expect(() => bleu(['a', 'b'], [['a'], []])).to.throw(UserError, /hypothesis 2 has no reference/)
    expect(() => sentenceBleu('a', [])).to.throw(UserError, /has no reference/)
  })
})
