/**
 * `npm run gpu`: what a device is worth: whether it trains as the CPU does, how fast, in how much of its memory.
 *
 *     npm run gpu -- --provider webgpu                 the pocket model; on a GPU in software add --small
 *     npm run gpu -- --provider cuda --only "sft"      the cases whose names begin so
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
import { writeSmallModel } from './small_model.ts'
import { correctnessTable, isSound, outcome } from './table.ts'

const { values: options } = parseArgs({
  options: {
    provider: { type: 'string', default: 'webgpu' },
    only: { type: 'string', default: '' },
    small: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const provider = PROVIDER_OPTIONS.find((name) => name === options.provider)
if (!provider) throw new Error(`--provider is one of ${PROVIDER_OPTIONS.join(', ')}`)

const folder = await mkdtemp(join(tmpdir(), 'ortune-gpu-'))
const pocket = join(import.meta.dirname, '..', '..', 'artifacts', 'pocket')
const model = options.small ? join(folder, 'model') : pocket
const compared: Record<string, Outcome> = {}
try {
  if (options.small) await writeSmallModel(model, pocket)
  for (const [name, one] of Object.entries(CASES)) {
    if (!name.startsWith(options.only)) continue
    process.stderr.write(`${name} …\n`)
    compared[name] = await outcome(() => compare(one, provider, { model, folder: join(folder, name) }))
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
process.stdout.write(options.json ? `${JSON.stringify(compared)}\n` : correctnessTable(compared))
process.exitCode = isSound(Object.values(compared)) ? 0 : 1
