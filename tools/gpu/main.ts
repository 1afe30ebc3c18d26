/**
 * `npm run gpu`: what a device is worth: whether it trains as the CPU does, how fast, in how much of its memory.
 *
 *     npm run gpu -- --provider webgpu                 the pocket model; on a GPU in software add --small
 *     npm run gpu -- --provider cuda --only "sft"      the cases whose names begin so
 *     npm run gpu -- --part speed                      or correctness: one of the two tables
 *
 * PyTorch is measured where the peers' Python (ORTUNE_PYTHON, by default python3) has it with CUDA.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { PROVIDER_OPTIONS } from '../../src/runtime/device.ts'
import { CASES } from './cases.ts'
import { compare } from './correctness.ts'
import type { Outcome } from './table.ts'
import type { Timed } from './speed.ts'
import { timeSteps } from './speed.ts'
import { writeSmallModel } from './small_model.ts'
import { correctnessTable, isSound, outcome, speedTable } from './table.ts'

const { values: options } = parseArgs({
  options: {
    provider: { type: 'string', default: 'webgpu' },
    part: { type: 'string', default: 'all' },
    only: { type: 'string', default: '' },
    small: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const provider = PROVIDER_OPTIONS.find((name) => name === options.provider)
if (!provider) throw new Error(`--provider is one of ${PROVIDER_OPTIONS.join(', ')}`)

const folder = await mkdtemp(join(tmpdir(), 'ortune-gpu-'))
const pocket = join(import.meta.dirname, '..', '..', 'artifacts', 'pocket')
const { small, only } = options
const compared: Record<string, Outcome> = {}
let timed: Timed[] = []
try {
  const model = small ? join(folder, 'model') : pocket
  if (small) await writeSmallModel(model, pocket)
  for (const [name, one] of options.part === 'speed' ? [] : Object.entries(CASES)) {
    if (!name.startsWith(only)) continue
    process.stderr.write(`${name} …\n`)
    compared[name] = await outcome(() => compare(one, provider, { model, folder: join(folder, name) }))
  }
  const steps = small ? 3 : 20
  if (options.part !== 'correctness')
    timed = await timeSteps(provider, join(folder, 'models'), { small, steps })
} finally {
  await rm(folder, { recursive: true, force: true })
}
const tables = [correctnessTable(compared), speedTable(timed)].filter(Boolean)
process.stdout.write(options.json ? `${JSON.stringify({ compared, timed })}\n` : tables.join('\n'))
process.exitCode = isSound(Object.values(compared)) ? 0 : 1
