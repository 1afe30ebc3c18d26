import { expect } from 'chai'
import fc from 'fast-check'

import { UserError } from '../../src/errors.ts'
import { classificationReport } from '../../src/metrics/classification.ts'
import type { PrecisionRecall } from '../../src/metrics/classification.ts'
import { parseFixture } from './helpers.ts'

type Triple = [precision: number, recall: number, f1: number]
interface Case {
  readonly count: number
  readonly actual: number[]
  readonly predicted: number[]
  readonly accuracy: number
  readonly majority: number
  readonly macro: Triple
  readonly micro: Triple
  readonly weighted: Triple
  readonly classes: [...Triple, support: number][]
  readonly confusion: number[][]
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `class ${i}`)
const triple = ({ precision, recall, f1 }: PrecisionRecall): Triple => [precision, recall, f1]
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

describe('classification report', () => {
  it('is that of scikit-learn, also for classes that are missing or never answered', () => {
    for (const { count, actual, predicted, ...expected } of parseFixture<Case[]>('classification.json')) {
      const report = classificationReport(actual, predicted, names(count))
      const close = (value: number, wanted: number, what: string) =>
        expect(value, `${what} of ${actual.slice(0, 5).join()}`).to.be.closeTo(wanted, 1e-12)
      close(report.accuracy, expected.accuracy, 'accuracy')
      close(report.majority, expected.majority, 'majority')
      for (const name of ['macro', 'micro', 'weighted'] as const)
        for (const [i, value] of triple(report[name]).entries())
          close(value, expected[name][i]!, `${name}[${i}]`)
      expect(report.confusion).to.deep.equal(expected.confusion)
      for (const [c, score] of report.classes.entries()) {
        expect(score.name).to.equal(`class ${c}`)
        for (const [i, value] of [...triple(score), score.support].entries())
          close(value, expected.classes[c]![i]!, `class ${c}`)
      }
    }
  })

  it('keeps its identities, whatever the answers', () => {
    const answers = fc
      .integer({ min: 1, max: 5 })
      .chain((count) =>
        fc.tuple(
          fc.constant(count),
          fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { minLength: 1, maxLength: 40 }),
        ),
      )
    fc.assert(
      fc.property(answers, ([count, pairs]) => {
        const actual = pairs.map(([label]) => label)
        const predicted = pairs.map(([, answer]) => answer)
        const report = classificationReport(actual, predicted, names(count))
        for (const [c, { support }] of report.classes.entries()) {
          expect(support).to.equal(actual.filter((label) => label === c).length)
          expect(sum(report.confusion[c]!)).to.equal(support)
          expect(sum(report.confusion.map((row) => row[c]!))).to.equal(
            predicted.filter((p) => p === c).length,
          )
        }
        for (const value of triple(report.micro)) expect(value).to.equal(report.accuracy)
        expect(report.weighted.recall).to.be.closeTo(report.accuracy, 1e-12)
        for (const scores of [report.macro, report.weighted, ...report.classes])
          for (const value of triple(scores)) expect(value).to.be.within(0, 1 + 1e-12)
        const back = classificationReport(predicted, actual, names(count))
        expect(back.classes.map(({ f1 }) => f1)).to.deep.equal(report.classes.map(({ f1 }) => f1))
        expect(classificationReport(actual, actual, names(count)).accuracy).to.equal(1)
        const most = report.classes.findIndex(({ support }) => support / actual.length === report.majority)
        const constant = classificationReport(
          actual,
          actual.map(() => most),
          names(count),
        )
        expect(constant.accuracy).to.equal(report.majority)
      }),
    )
  })

  it('says what is wrong', () => {
    expect(() => classificationReport([], [], ['a'])).to.throw(UserError, /no example/)
    expect(() => classificationReport([0], [], ['a'])).to.throw(RangeError, /1 actual labels but 0/)
    expect(() => classificationReport([0, 2], [0, 0], ['a', 'b'])).to.throw(
      RangeError,
      /example 1 has label 2/,
    )
    expect(() => classificationReport([0], [-1], ['a'])).to.throw(RangeError, /answer -1/)
    expect(() => classificationReport([0.5], [0], ['a'])).to.throw(RangeError)
  })
})
