import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { killRuns } from '../../tools/kill/kill.ts'
import { workloads } from '../../tools/kill/workloads.ts'
import type { WorkloadName } from '../../tools/kill/workloads.ts'

/** `npm run kill` does more of them. */
const KILLS = 3

describe('runs under SIGKILL', function () {
  this.timeout(300_000)

  for (const name of Object.keys(workloads) as WorkloadName[])
    it(`${name}: end with the same bytes, and readers always find a whole checkpoint`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'ortune-kill-'))
      try {
        const { kills, looks, faults } = await killRuns(name, KILLS, folder, Date.now() % 2 ** 31)
        expect(faults).to.deep.equal([])
        expect(kills).to.equal(KILLS)
        expect(looks).to.be.greaterThan(10)
      } finally {
        await rm(folder, { recursive: true })
      }
    })
})
