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

import { UserError } from '../../src/errors.ts'
import { PROVIDER_OPTIONS } from '../../src/runtime/device.ts'
import { checkDevice } from '../../src/runtime/node_runtime.ts'
import { CASES } from './cases.ts'
import { compare } from './correctness.ts'
import type { Outcome } from './table.ts'
import type { Timed } from './speed.ts'
import { timeSteps } from './speed.ts'
import { writeSmallModel } from './small_model.ts'
import { correctnessTable, isSound, outcome, speedTable } from './table.ts'

const PARTS: readonly string[] = ['all', 'correctness', 'speed']

const HELP = `Usage: npm run gpu -- [options]

Trains every task on a device and on the CPU, compares them, and times a LoRA step.

  --provider <name>  ${PROVIDER_OPTIONS.join(', ')} (default: webgpu)
  --part <name>      ${PARTS.join(', ')} (default: all)
  --only <name>      the cases whose names begin so, such as sft
  --small            a model of two narrow layers, for a GPU in software
  --json             print one JSON result

Example:
  npm run gpu -- --provider webgpu --small --part correctness --only sft
`

const { provider, ...options } = await given().catch((error: unknown) => {
  if (!(error instanceof UserError)) throw error
  process.stderr.write(`gpu: ${error.message}\n`)
  process.exit(2)
})

/** The options of the command line, and a provider that is there. */
async function given() {
  const values = parsed()
  if (values.help) {
    process.stdout.write(HELP)
    process.exit(0)
  }
  const provider = PROVIDER_OPTIONS.find((name) => name === values.provider)
  if (!provider)
    throw new UserError(`--provider is one of ${PROVIDER_OPTIONS.join(', ')}, and not "${values.provider}"`)
  if (!PARTS.includes(values.part))
    throw new UserError(`--part is one of ${PARTS.join(', ')}, and not "${values.part}"`)
  if (!Object.keys(CASES).some((name) => name.startsWith(values.only)))
    throw new UserError(`no case begins with "${values.only}"; they are ${Object.keys(CASES).join('; ')}`)
  await checkDevice({ provider })
  return { ...values, provider }
}

function parsed() {
  try {
    return parseArgs({
      options: {
        provider: { type: 'string', default: 'webgpu' },
        part: { type: 'string', default: 'all' },
        only: { type: 'string', default: '' },
        small: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    const [sentence] = (error as Error).message.split('. ')
    throw new UserError(`${sentence}; --help lists the options`)
  }
}

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
