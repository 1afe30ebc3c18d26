import { expect } from 'chai'

import { fuzz } from '../../tools/fuzz/fuzz.ts'
import { TARGET_NAMES } from '../../tools/fuzz/targets.ts'

const MUTANTS = 2000

describe('readers of files that nobody vouches for', function () {
  this.timeout(600_000)
  for (const target of TARGET_NAMES)
    it(`read or refuse ${MUTANTS} mutants: ${target}`, async () => {
      // Two processes share them, as the machines that this runs on have two cores.
      const half = MUTANTS / 2
      const shares = [0, half].map((from) => fuzz({ target, seed: 1, from, to: from + half }))
      expect((await Promise.all(shares)).flat()).to.deep.equal([])
    })
})
