import { expect } from 'chai'
import fc from 'fast-check'

import { UserError } from '../../src/errors.ts'
import { bleu } from '../../src/metrics/bleu.ts'
import { distinctN } from '../../src/metrics/distinct.ts'
import { meteor } from '../../src/metrics/meteor.ts'
import { rouge } from '../../src/metrics/rouge.ts'
import { textMetrics } from '../../src/metrics/text_metrics.ts'
import { openWordNet } from '../../src/formats/wordnet.ts'
import { pair } from './helpers.ts'

describe('text metrics', () => {
  const hypotheses = ['A big dog runs.', 'the dog', '']
  const references = [['The large dog is running.', 'A big dog runs'], ['the hound'], ['nothing']]

  it('are the metrics of the corpus, and the means over its texts', async () => {
    const synonyms = await openWordNet()
    const f = (i: number, j: number) => rouge(hypotheses[i]!, references[i]![j]!)
    expect(textMetrics(hypotheses, references, { synonyms })).to.deep.equal({
      bleu: bleu(hypotheses, references).score,
      rouge1: (f(0, 1).rouge1.fmeasure + f(1, 0).rouge1.fmeasure + 0) / 3,
      rouge2: (f(0, 1).rouge2.fmeasure + 0 + 0) / 3,
      rougeL: (f(0, 1).rougeL.fmeasure + f(1, 0).rougeL.fmeasure + 0) / 3,
      meteor:
        (meteor(hypotheses[0]!, references[0]!, { synonyms }) +
          meteor('the dog', ['the hound'], { synonyms })) /
        3,
      distinct1: distinctN(hypotheses, 1),
      distinct2: distinctN(hypotheses, 2),
      mean_length: (5 + 2 + 0) / 3,
    })
  })

  it('know no synonyms unless they are given', async () => {
    const without = textMetrics(['the dog'], [['the hound']]).meteor
    expect(without).to.equal(meteor('the dog', ['the hound']))
    const synonyms = await openWordNet()
    expect(textMetrics(['the dog'], [['the hound']], { synonyms }).meteor).to.be.above(without)
  })

  it('are finite and in range, whatever the texts', () => {
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 5 }), (pairs) => {
        const {
          bleu: score,
          mean_length,
          ...shares
        } = textMetrics(
          pairs.map(([hypothesis]) => hypothesis),
          pairs.map(([, texts]) => texts),
        )
        expect(score).to.be.within(0, 100 + 1e-9)
        expect(mean_length).to.be.at.least(0).and.to.be.below(Infinity)
        for (const share of Object.values(shares)) expect(share).to.be.within(0, 1 + 1e-12)
      }),
    )
  })

  it('say what is missing', () => {
    expect(() => textMetrics([], [])).to.throw(UserError, /no hypothesis/)
    expect(() => textMetrics(['a'], [['a'], ['b']])).to.throw(UserError, /1 hypotheses but references for 2/)
    expect(() => textMetrics(['a'], [[]])).to.throw(UserError, /no reference/)
  })
})
