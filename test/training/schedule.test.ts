import { expect } from 'chai'

import type { ScheduleName } from '../../src/learning/schedule.ts'
import { SCHEDULES, learningRate } from '../../src/learning/schedule.ts'
import { readFixture } from '../graphs/gpt2_fixtures.ts'

interface Stored {
  readonly schedule: string
  readonly warmup_steps: number
  readonly total_steps: number
  readonly factors: readonly number[]
}

describe('learning-rate schedules', () => {
  it("are transformers' at every step", async () => {
    const stored = await readFixture<Stored[]>('schedules.json')
    expect(new Set(stored.map(({ schedule }) => schedule))).to.deep.equal(new Set(['linear', 'cosine']))
    for (const { schedule, warmup_steps, total_steps, factors } of stored) {
      const name = schedule as ScheduleName
      const shape = { name, peak: 0.005, warmupSteps: warmup_steps, totalSteps: total_steps }
      factors.forEach((factor, step) =>
        expect(learningRate(shape, step), `${schedule}, step ${step}`).to.be.closeTo(0.005 * factor, 1e-15),
      )
      expect(factors.length).to.equal(total_steps + 1)
    }
  })

  it('hold the peak after warm-up where they are constant', () => {
    const schedule = { name: 'constant', peak: 3, warmupSteps: 3, totalSteps: 5 } as const
    expect([0, 1, 2, 3, 4, 5].map((step) => learningRate(schedule, step))).to.deep.equal([0, 1, 2, 3, 3, 3])
  })

  it('stay within 0 … peak whatever the numbers of steps', () => {
    for (const name of SCHEDULES)
      for (const warmupSteps of [0, 1, 5, 20])
        for (const totalSteps of [1, 5, 10])
          for (let step = 0; step <= totalSteps + 2; step++) {
            const rate = learningRate({ name, peak: 2, warmupSteps, totalSteps }, step)
            expect(rate, `${name} ${warmupSteps} ${totalSteps} ${step}`).to.be.within(0, 2)
          }
  })
})
