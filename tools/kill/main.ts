/**
 * `npm run kill -- [--kills 100] [--seed 1] [--only ppo]`: whether runs survive SIGKILL at any moment.
 * @module
 */
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { killRuns } from './kill.ts'
import type { WorkloadName } from './workloads.ts'
import { workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
})
const names = (Object.keys(workloads) as WorkloadName[]).filter((name) => (values.only ?? name) === name)
const place = mkdtempSync(join(tmpdir(), 'ortune-kill-'))
let failed = false
for (const name of names) {
  const folder = join(place, name)
  mkdirSync(folder)
  const each = Math.ceil(Number(values.kills) / names.length)
  const { kills, looks, faults } = await killRuns(name, each, folder, Number(values.seed))
  process.stdout.write(`${name}: ${kills} kills, ${looks} looks by readers, ${faults.length} faults\n`)
  for (const fault of faults) process.stdout.write(`  ${fault}\n`)
  failed ||= faults.length > 0
}
rmSync(place, { recursive: true })
process.exitCode = failed ? 1 : 0
