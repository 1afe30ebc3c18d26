import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { expect } from 'chai'

import { withFolder } from '../data/helpers.ts'
import { createTinyRun } from '../training/tiny_run.ts'
import { listing, runAlone } from './run_cli.ts'

const command = join(import.meta.dirname, '../../src/cli/ortune.mjs')
const rows = ['fox', 'hen', 'owl', 'elk'].map((word) => ({ text: `a ${word} is an animal` }))

const csv = (rows: number): string =>
  `text\n${Array.from({ length: rows }, (_, n) => `a fox has ${n} hens\n`).join('')}`

/** Starts `ortune …args`; `until` waits for what the folder is to show. */
function start(folder: string, ...args: string[]) {
  const child = spawn(process.execPath, [command, ...args], { cwd: folder })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
  const ended = once(child, 'close') as Promise<[number | null]>
  return {
    child,
    async until(holds: () => boolean) {
      while (child.exitCode === null && !holds()) await setTimeout(5)
      expect(child.exitCode, stderr).to.equal(null)
    },
    end: async () => ({ code: (await ended)[0], stdout, stderr }),
  }
}

/** The steps in a log; evaluations have lines of their own. */
const steps = (log: string): number =>
  existsSync(log) ? (readFileSync(log, 'utf8').match(/"grad_norm"/g) ?? []).length : 0

describe('a signal', function () {
  this.timeout(60_000)

  for (const [signal, expected] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    it(`${signal} in training ends with a checkpoint, how to go on, and code ${expected}`, () =>
      withFolder(async (folder) => {
        const { run } = await createTinyRun(folder, rows, {
          max_steps: 100_000,
          eval_steps: 100_000,
          save_steps: 100_000,
        })
        const process = start(folder, 'resume', 'run', '--json')
        const log = join(run, 'log.jsonl')
        await process.until(() => steps(log) > 3)
        process.child.kill(signal)
        const { code, stdout, stderr } = await process.end()
        expect(code).to.equal(expected)
        expect(stderr).to.include('finishing this step and writing a checkpoint')
        const result = JSON.parse(stdout) as { global_step: number; interrupted: boolean }
        expect(result.interrupted).to.equal(true)
        expect(result.global_step).to.equal(steps(log))
        const again = await runAlone(folder, 'resume', 'run', `max_steps=${result.global_step + 1}`)
        expect(again.code, again.stderr).to.equal(0)
        expect(steps(log)).to.equal(result.global_step + 1)
        expect(await listing(folder)).not.to.include('run/.lock')
      }))

  it('in the first evaluation ends at once, says that there is no checkpoint, and how to go on', () =>
    withFolder(async (folder) => {
      const many = Array.from({ length: 20_000 }, (_, n) => ({ text: `a fox has ${n} hens` }))
      const { run } = await createTinyRun(folder, many, { max_steps: 1, per_device_eval_batch_size: 1 })
      const process = start(folder, 'resume', 'run')
      await process.until(() => existsSync(join(run, '.lock')))
      // It evaluates for seconds.
      await setTimeout(700)
      process.child.kill('SIGINT')
      const { code, stdout, stderr } = await process.end()
      expect(code).to.equal(130)
      expect(stderr).to.include('leaving the evaluation that comes before the first step')
      expect(stdout).to.include('stopped at step 0 of 1; go on with "ortune resume run"')
      expect(stdout).to.match(/last +none yet/)
    }))

  it('while a run is being made leaves nothing of it', () =>
    withFolder(async (folder) => {
      const { model } = await createTinyRun(join(folder, 'other'), rows)
      writeFileSync(join(folder, 'rows.csv'), csv(300_000))
      const config = { model, data: [{ path: 'rows.csv', split: { validation: 0.1 } }], output_dir: 'run' }
      writeFileSync(join(folder, 'run.yaml'), JSON.stringify(config))
      const before = readdirSync(folder)
      const process = start(folder, 'train', 'run.yaml')
      await process.until(() => existsSync(join(folder, '.run.ortune-new', 'model.safetensors')))
      process.child.kill('SIGINT')
      expect((await process.end()).code).to.equal(130)
      expect(readdirSync(folder)).to.deep.equal(before)
    }))

  it('is not needed for a second train into one folder: it is told who writes there', () =>
    withFolder(async (folder) => {
      const { model } = await createTinyRun(join(folder, 'other'), rows)
      // Many rows to prepare, while the second one comes; few to be judged by.
      writeFileSync(join(folder, 'rows.csv'), csv(20_000))
      const data = [{ path: 'rows.csv', split: { validation: 0.001 } }]
      writeFileSync(
        join(folder, 'run.yaml'),
        JSON.stringify({ model, data, output_dir: 'run', max_steps: 2 }),
      )
      const first = start(folder, 'train', 'run.yaml')
      await first.until(() => existsSync(join(folder, '.run.ortune-lock')))
      const second = await runAlone(folder, 'train', 'run.yaml')
      expect(second.stderr).to.match(
        /^ortune: run (is being written by process \d+, since .*; wait|holds a run already; )/,
      )
      expect(second.code).to.equal(2)
      const { code, stderr } = await first.end()
      expect(code, stderr).to.equal(0)
    }))
})
