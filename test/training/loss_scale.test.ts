import { expect } from 'chai'

import type { LossScale } from '../../src/learning/loss_scale.ts'
import {
  initialLossScale,
  lossScaleOf,
  lossScaleSchema,
  nextLossScale,
  skipping,
} from '../../src/learning/loss_scale.ts'
import { createRandom } from '../../src/random.ts'

const after = (start: LossScale, steps: readonly boolean[]): LossScale => steps.reduce(nextLossScale, start)
const good = (count: number): boolean[] => Array.from({ length: count }, () => false)

describe('loss scale', () => {
  it('doubles after 2000 good steps in a row', () => {
    expect(after(initialLossScale, good(1999))).to.deep.equal({ scale: 65536, good_steps: 1999, skipped: 0 })
    expect(after(initialLossScale, good(2000))).to.deep.equal({ scale: 131072, good_steps: 0, skipped: 0 })
  })

  it('is halved by a step that is left out, which begins the count anew', () => {
    const steps = [...good(1500), true, ...good(1999)]
    expect(after(initialLossScale, steps)).to.deep.equal({ scale: 32768, good_steps: 1999, skipped: 1 })
    expect(after(initialLossScale, [...steps, false]).scale).to.equal(65536)
  })

  it('is never below 1, where steps are no longer left out', () => {
    const low = after(
      initialLossScale,
      Array.from({ length: 20 }, () => true),
    )
    expect(low).to.deep.equal({ scale: 1, good_steps: 0, skipped: 20 })
    expect(skipping(undefined)).to.deep.equal({})
    expect(skipping(low).remedy).to.match(/precision to bf16 or fp32$/)
    expect(skipping(low)).to.not.have.property('skipNotFinite')
    expect(skipping(initialLossScale)).to.deep.equal({ skipNotFinite: true })
  })

  it('is a power of two that a state keeps, whatever happens', () => {
    const { uniform } = createRandom('loss scale')
    for (let run = 0; run < 20; run++) {
      const faults = run === 0 ? 0 : uniform() ** 6
      let state = initialLossScale
      let skipped = 0
      for (let step = 0; step < 3000; step++) {
        const fault = uniform() < faults
        const next = nextLossScale(state, fault)
        skipped += fault ? 1 : 0
        expect(Number.isInteger(Math.log2(next.scale))).to.equal(true)
        expect(next.scale / state.scale).to.be.oneOf(fault ? [0.5, 1] : [1, 2])
        expect(lossScaleSchema.safeParse(next).success, JSON.stringify(next)).to.equal(true)
        expect(next.skipped).to.equal(skipped)
        state = next
      }
    }
    const highest = after({ ...initialLossScale, scale: 2 ** 127 }, good(2000))
    expect(lossScaleSchema.parse(highest).scale).to.equal(2 ** 127)
  })

  it('is there for graphs that take it', () => {
    expect(lossScaleOf({ inputNames: ['labels'] }, {})).to.equal(undefined)
    expect(lossScaleOf({ inputNames: ['labels', 'loss_scale'] }, {})).to.equal(initialLossScale)
    const kept = { scale: 4, good_steps: 3, skipped: 14 }
    expect(lossScaleOf({ inputNames: ['loss_scale'] }, { loss_scale: kept })).to.equal(kept)
  })
})
