import { expect } from 'chai'

import { createRandom } from '../../src/random.ts'
import { expectSameCurriculum, finish, killWhen, RUNS, visitsOf, writeAdaptive } from './killing.ts'
import { writeCurriculumInputs } from '../curriculum/small.ts'
import { withFolder } from '../data/helpers.ts'

const [KILLS, PER_CURRICULUM] = [16, 8]

describe('an adaptive curriculum killed with SIGKILL', function () {
  this.timeout(1_200_000)

  it('at any moment, 16 times, goes on to the same bytes', () =>
    withFolder(async (folder) => {
      await writeCurriculumInputs(folder)
      await writeAdaptive(folder)
      const started = performance.now()
      await finish(folder, 'whole')
      const duration = performance.now() - started
      expect(await visitsOf(folder, 'whole')).to.have.length(RUNS.length)

      const random = createRandom('kills of a curriculum')
      let kills = 0
      /** How many stages were done at a kill, which are to be all numbers. */
      const standings = new Set<number>()
      for (let n = 1; kills < KILLS || standings.size < RUNS.length; n++) {
        expect(n, 'curricula that were killed').to.be.lessThan(20)
        const name = `killed-${n}`
        for (let i = 0; i < PER_CURRICULUM; i++) {
          const until = performance.now() + duration * (0.1 + 0.6 * random.uniform())
          if (!(await killWhen(folder, name, () => performance.now() >= until))) break
          kills++
          standings.add((await visitsOf(folder, name)).length)
        }
        await finish(folder, name)
        await expectSameCurriculum(folder, name, 'whole')
      }
    }))
})
