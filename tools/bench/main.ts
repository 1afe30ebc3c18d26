/**
 * `npm run bench`: training steps and decoding at GPT-2-small shape, beside the sgemm ceiling of the same run and,
 * where Python has PyTorch, transformers, PEFT and TRL, beside theirs; updates of PPO, with their parts and memory; the
 * memory of a LoRA step, with what saves some and without; that of NPT's phase 1; and training steps in Chromium, on WebAssembly and
 * on WebGPU, beside those of jax-js.
 *
 *     npm run bench                              everything; about a quarter of an hour, half an hour with the peers
 *     npm run bench -- --steps 12 --only lora    more repetitions of the workloads whose names begin so
 *     npm run bench -- --only memory             the memory of a LoRA step
 *     npm run bench -- --only web                training steps in a browser
 *     npm run bench -- --json                    one JSON object
 *
 * The peers' Python is `python3`, or what the variable ORTUNE_PYTHON names; that of PPO, which wants TRL 0.11, what
 * ORTUNE_TRL_PYTHON names, or else the same.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { UserError } from '../../src/errors.ts'
import type { PpoMeasurement } from './measure.ts'
import { UPDATE_WARMUP, WARMUP } from './measure.ts'
import { memoryGrowth } from './memory_growth.ts'
import { exportModels } from './models.ts'
import type { MemoryRound } from './npt_memory.ts'
import type { Contender } from './paced.ts'
import { takeTurns } from './paced.ts'
import { hasPeer, hasPpoPeer, peer, ppoPeer } from './peers.ts'
import type { Comparison, Phase1Memory, PpoComparison } from './table.ts'
import { comparison, memoryTable, phase1MemoryTable, ppoTable } from './table.ts'
import type { WebComparison } from './web/compare.ts'
import { compareSteps, requireBrowser } from './web/compare.ts'
import { webTable } from './web/table.ts'
import { webWorkloads } from './web/workloads.ts'
import { isMemory, workloads } from './workloads.ts'

const here = dirname(fileURLToPath(import.meta.url))
const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '8' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    'no-peers': { type: 'boolean', default: false },
  },
})

const MEMORY = 'npt-memory'
const PPO = 'ppo'
/** An update takes as long as ten steps. */
const UPDATES = String(Math.max(1, Math.floor(Number(options.steps) / 3)))

const isChosen = (name: string): boolean => name.startsWith(options.only)
const chosen = workloads(options.steps).filter(({ name }) => isChosen(name))
// Linux alone tells what memory belongs to a process.
const watchesMemory = process.platform === 'linux' && isChosen(MEMORY)
const inNode = chosen.length > 0 || isChosen(PPO) || watchesMemory
const inBrowser = webWorkloads.filter(({ name }) => isChosen(name))
const browser = inBrowser.length > 0 && hasBrowser()

const folder = mkdtempSync(join(tmpdir(), 'ortune-bench-'))
try {
  if (inNode) {
    process.stderr.write('writing a GPT-2-small model with random weights …\n')
    await exportModels(folder)
  }
  const withPeers = !options['no-peers']
  const results: Comparison[] = []
  for (const { name, repeats, imports, needsPeer = false, ...scripts } of chosen) {
    const hasIts = withPeers && hasPeer(imports)
    if (needsPeer && !hasIts) continue
    process.stderr.write(`${name} …\n`)
    const contenders = {
      ortune: script(scripts.ours),
      ...(scripts.plain ? { plain: script(scripts.plain) } : {}),
      ...(hasIts && scripts.peer ? { pytorch: peer(scripts.peer) } : {}),
    }
    const measured = await takeTurns(Object.values(contenders), WARMUP + repeats)
    const byName = Object.keys(contenders).map((key, i) => [key, measured[i]])
    results.push({ name, ...(Object.fromEntries(byName) as Omit<Comparison, 'name'>) })
  }
  const ppo = isChosen(PPO) ? await ppoUpdates(withPeers && hasPpoPeer()) : null
  const memory = watchesMemory ? await phase1Memory() : []
  const web = await webSteps()
  const timed = results.filter((result) => !isMemory(result))
  const tables = [
    timed.length > 0 ? comparison(timed) : '',
    ppo ? ppoTable(ppo) : '',
    memoryTable(results.filter(isMemory)),
    phase1MemoryTable(memory),
    webTable(web),
  ]
  if (options.json)
    process.stdout.write(`${JSON.stringify({ workloads: results, ppo, phase1_memory: memory, web })}\n`)
  else process.stdout.write(tables.filter(Boolean).join('\n'))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Whether there is a browser; a note where there is none, and the end where nothing else is asked for. */
function hasBrowser(): boolean {
  try {
    requireBrowser()
    return true
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    process.stderr.write(`bench: ${error.message}\n`)
    if (!inNode) process.exit(2)
    return false
  }
}

async function webSteps(): Promise<WebComparison[]> {
  const results: WebComparison[] = []
  for (const workload of browser ? inBrowser : []) {
    process.stderr.write(`${workload.name} …\n`)
    results.push(await compareSteps(workload, Number(options.steps)))
  }
  return results
}

/** A script of this folder on one of the exported models. */
function script([name, model, ...rest]: readonly string[]): Contender {
  const args = ['--import', 'tsx', join(here, name!), join(folder, model!), ...rest]
  return { command: process.execPath, args }
}

async function ppoUpdates(withPeer: boolean): Promise<PpoComparison> {
  process.stderr.write(`${PPO} …\n`)
  const contenders = ['false', 'true'].map((prepacking) => script(['ppo.ts', 'ppo', prepacking, UPDATES]))
  if (withPeer) contenders.push(ppoPeer(['ppo.py', '--steps', UPDATES]))
  const measured = await takeTurns(contenders, UPDATE_WARMUP + Number(UPDATES))
  const [mapped, prepacked, trl] = measured as [PpoMeasurement, PpoMeasurement, PpoComparison['trl']]
  return { mapped, prepacked, ...(trl ? { trl } : {}) }
}

async function phase1Memory(): Promise<Phase1Memory[]> {
  process.stderr.write(`${MEMORY} …\n`)
  const { result, growth } = await memoryGrowth(script(['npt_memory.ts', 'lora']))
  return (result as MemoryRound[])
    .map((round, i) => ({ ...round, growth_mb: growth[i]! }))
    .filter(({ tokens }) => tokens > 0)
}
