/**
 * Runs that are killed again and again, compared with one that never was.
 * @module
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { createRandom } from '../../src/random.ts'
import type { WorkloadName } from './workloads.ts'
import { lines, reward, workloads } from './workloads.ts'

const root = join(import.meta.dirname, '../..')
const command = join(root, 'src/cli/ortune.mjs')

export interface KillOutcome {
  readonly kills: number
  /** How often a reader opened a checkpoint beside the writer. */
  readonly looks: number
  /** What readers could not open, and files that are others than those of the run that was not killed. */
  readonly faults: readonly string[]
}

/** A run is killed so often before it may come to its end. */
const KILLS_PER_RUN = 5

/**
 * Trains a workload, run after run, under so many SIGKILLs, each at a random moment, with a reader beside it.
 *
 * @param folder an empty folder to work in
 */
export async function killRuns(
  name: WorkloadName,
  kills: number,
  folder: string,
  seed: number,
): Promise<KillOutcome> {
  writeFileSync(join(folder, 'rows.jsonl'), lines)
  writeFileSync(join(folder, 'reward.mjs'), reward)
  const data = [{ path: 'rows.jsonl', split: { column: 'split' } }]
  // YAML has JSON in it.
  writeFileSync(join(folder, 'run.yaml'), JSON.stringify({ ...workloads[name], data, output_dir: 'whole' }))
  const began = performance.now()
  await start(folder, 'train', 'run.yaml').end()
  const duration = performance.now() - began

  const random = createRandom(seed, 'kills', name)
  const outcome = { kills: 0, looks: 0, faults: [] as string[] }
  for (let n = 1; outcome.kills < kills; n++) {
    const run = `killed-${n}`
    const reader = openReader(join(folder, run))
    const wanted = Math.min(KILLS_PER_RUN, kills - outcome.kills)
    for (let done = 0, ended = false; !ended;) {
      const isThere = existsSync(join(folder, run))
      const child = isThere
        ? start(folder, 'resume', run)
        : start(folder, 'train', 'run.yaml', `output_dir=${run}`)
      if (done < wanted && (await child.killAfter(duration * (0.2 + 0.7 * random.uniform())))) {
        done++
        outcome.kills++
      } else {
        await child.end()
        ended = true
      }
    }
    const { looks, faults } = await reader.end()
    outcome.looks += looks
    outcome.faults.push(...faults, ...(await differences(join(folder, 'whole'), join(folder, run))))
  }
  return outcome
}

/** Starts `ortune …args`. */
function start(folder: string, ...args: string[]) {
  const child = spawn(process.execPath, [command, ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exit = once(child, 'exit') as Promise<[number | null]>
  let stderr = ''
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
  return {
    /** Whether it was killed; false: it had come to its end. */
    async killAfter(milliseconds: number): Promise<boolean> {
      await Promise.race([exit, setTimeout(milliseconds, undefined, { ref: false })])
      if (child.exitCode !== null) return false
      child.kill('SIGKILL')
      await exit
      return true
    },
    async end(): Promise<void> {
      const [code] = await exit
      if (code !== 0) throw new Error(`ortune ${args.join(' ')} ended with ${code}: ${stderr}`)
    },
  }
}

function openReader(run: string) {
  const args = ['--import', 'tsx', join(root, 'tools/kill/reader.ts'), run]
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  let said = ''
  child.stdout.on('data', (text: Buffer) => (said += text.toString()))
  return {
    async end(): Promise<{ looks: number; faults: string[] }> {
      child.stdin.end()
      await exit
      const faults = said.split('\n').filter((line) => line.startsWith('fault: '))
      return { looks: Number(/looks: (\d+)/.exec(said)?.[1] ?? NaN), faults }
    },
  }
}

/** What training leaves: the checkpoints and the logs, but for how long things took, and what is named after the folder. */
async function differences(whole: string, killed: string): Promise<string[]> {
  const filesOf = async (run: string) =>
    (await readdir(run, { recursive: true }))
      .filter((path) =>
        /^(checkpoints.*\.(safetensors|json)|(log|rollouts)\.jsonl|.*\.onnx|data.*\.arrow)$/.test(path),
      )
      .sort()
  const [expected, found] = [await filesOf(whole), await filesOf(killed)]
  const others = expected
    .filter((path) => found.includes(path) && digest(join(whole, path)) !== digest(join(killed, path)))
    .map((path) => `${killed}: ${path} differs`)
  const missing = expected.filter((path) => !found.includes(path)).map((path) => `${killed}: no ${path}`)
  const litter = (await readdir(killed, { recursive: true }))
    .filter((path) => /\.(new|old|ready|lock)$/.test(path))
    .map((path) => `${killed}: ${path} was left`)
  return [...others, ...missing, ...litter]
}

const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
