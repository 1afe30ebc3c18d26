import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import { withFolder } from '../data/helpers.ts'
import { expectSameCurriculum, finish, killWhen, RUNS, visitsOf, writeAdaptive } from './killing.ts'
import { writeCurriculumInputs } from '../curriculum/small.ts'

describe('an adaptive curriculum that is killed', function () {
  this.timeout(180_000)

  it('in a stage, while it looks back, and in a return, ends with the same bytes', () =>
    withFolder(async (folder) => {
      await writeCurriculumInputs(folder)
      await writeAdaptive(folder)
      await finish(folder, 'whole')
      const whole = await visitsOf(folder, 'whole')
      expect(whole).to.have.length(RUNS.length)

      const log = (name: string, run: string) => join(folder, name, 'stages', run, 'log.jsonl')
      const size = (path: string) => (existsSync(path) ? statSync(path).size : 0)
      const begun = (run: string) => () => size(log('killed', run)) > 0
      // Its log is whole, so that what is left of a stage is its last checkpoint, and looking back.
      const done = (run: string) => () => size(log('killed', run)) >= size(log('whole', run))
      const moments: readonly [holds: () => boolean, visits: number][] = [
        [begun('1-short'), 0],
        [done('1-short'), 0],
        [begun('2-long'), 1],
        [done('2-long'), 1],
        [done('2-long'), 1],
        [begun('3-short'), 2],
        [() => existsSync(join(folder, 'killed', 'stages', '4-long', 'training.json')), 3],
      ]
      for (const [i, [holds, visits]] of moments.entries()) {
        expect(await killWhen(folder, 'killed', holds), `kill ${i + 1}`).to.equal(true)
        expect(await visitsOf(folder, 'killed'), `kill ${i + 1}`).to.have.length(visits)
      }
      await finish(folder, 'killed')
      await expectSameCurriculum(folder, 'killed', 'whole')
    }))
})
