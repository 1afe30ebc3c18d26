import { expect } from 'chai'
import fc from 'fast-check'

import { UserError } from '../../src/errors.ts'
import { calibration } from '../../src/metrics/calibration.ts'
import { parseFixture } from './helpers.ts'

interface Case {
  readonly bins: number
  readonly differences: number[]
  readonly counts: number[]
  /** Of the bins that are not empty. */
  readonly accuracy: number[]
  readonly confidence: number[]
  readonly expected_calibration_error: number
  readonly brier_score: number
}

const close = (values: readonly (number | null)[], wanted: readonly number[]) => {
  expect(values.length).to.equal(wanted.length)
  for (const [i, value] of values.entries()) expect(value).to.be.closeTo(wanted[i]!, 1e-12)
}

describe('calibration', () => {
  it("is that of scikit-learn's curve and Brier score", () => {
    for (const { bins, differences, ...expected } of parseFixture<Case[]>('calibration.json')) {
      const result = calibration(differences, bins)
      expect(result.bins.map(({ count }) => count)).to.deep.equal(expected.counts)
      const filled = result.bins.filter(({ count }) => count > 0)
      close(
        filled.map(({ accuracy }) => accuracy),
        expected.accuracy,
      )
      close(
        filled.map(({ confidence }) => confidence),
        expected.confidence,
      )
      close(
        [result.expectedCalibrationError, result.brierScore],
        [expected.expected_calibration_error, expected.brier_score],
      )
    }
  })

  it('is what a hand computes', () => {
    // Confidences ¾ and right, ¾ and wrong, ½ and neither: bins (.7, .8] with half right, and [.5, .6] with none.
    const result = calibration([Math.log(3), -Math.log(3), 0], 5)
    expect(result.expectedCalibrationError).to.be.closeTo((2 * (3 / 4 - 1 / 2) + 1 / 2) / 3, 1e-12)
    expect(result.brierScore).to.be.closeTo(((1 / 4) ** 2 + (3 / 4) ** 2 + (1 / 2) ** 2) / 3, 1e-12)
    expect(result.bins.map(({ count }) => count)).to.deep.equal([1, 0, 2, 0, 0])
    expect(result.bins[1]).to.include({ confidence: null, accuracy: null })
    expect(result.bins[2]!.accuracy).to.equal(0.5)
  })

  it('counts every pair in the bin of its confidence, also of scores without measure', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 15 }),
        (differences, bins) => {
          const result = calibration(differences, bins)
          expect(result.bins.reduce((sum, { count }) => sum + count, 0)).to.equal(differences.length)
          for (const { from, to, confidence } of result.bins) {
            if (confidence === null) continue
            expect(confidence).to.be.within(from - 1e-12, to + 1e-12)
          }
          expect(result.expectedCalibrationError).to.be.within(0, 1)
          expect(result.brierScore).to.be.within(0, 1)
        },
      ),
    )
  })

  it('needs a pair', () => {
    expect(() => calibration([])).to.throw(UserError, 'there is no pair')
  })
})
