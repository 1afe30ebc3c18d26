/**
 * An adaptive curriculum that goes back once, and what kills it.
 * @module
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { expect } from 'chai'

import { expectSameBytes, long, shared, short } from '../curriculum/small.ts'

const command = resolve(import.meta.dirname, '../../src/cli/ortune.mjs')

/** Its second stage unlearns the first one, which is gone back to; so that there are four runs. */
const adaptive = {
  ...shared,
  curriculum: { advance: 'adaptive', patience: 1, tolerance: 0, max_returns: 1 },
  stages: [short, { ...long, learning_rate: 0.3 }],
}

export const RUNS = ['1-short', '2-long', '3-short', '4-long']

/** Writes its configuration, which `ortune train` takes a folder's name beside. */
export const writeAdaptive = (folder: string): Promise<void> =>
  writeFile(join(folder, 'adaptive.yaml'), JSON.stringify(adaptive))

/** Trains it, or goes on where it was begun. */
function start(folder: string, name: string) {
  const begun = existsSync(join(folder, name, 'curriculum.json'))
  const args = begun ? ['resume', name] : ['train', 'adaptive.yaml', `output_dir=${name}`]
  const child = spawn(process.execPath, [command, ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exit = once(child, 'exit')
  let errors = ''
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()))
  return { child, exit, errors: () => errors }
}

export async function finish(folder: string, name: string): Promise<void> {
  const { child, exit, errors } = start(folder, name)
  await exit
  expect(child.exitCode, errors()).to.equal(0)
}

/** Kills it as soon as something holds; false: it came to its end before. */
export async function killWhen(
  folder: string,
  name: string,
  holds: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const { child, exit } = start(folder, name)
  while (child.exitCode === null && !(await holds())) await wait(2)
  const killed = child.exitCode === null && child.kill('SIGKILL')
  await exit
  return killed
}

/** The stages that `curriculum.json` says are done. */
export async function visitsOf(folder: string, name: string): Promise<readonly unknown[]> {
  const path = join(folder, name, 'curriculum.json')
  if (!existsSync(path)) return []
  return (JSON.parse(await readFile(path, 'utf8')) as { visits: readonly unknown[] }).visits
}

/** All that is left is that of the other one: `curriculum.json`, and of each stage data, checkpoints and logs. */
export async function expectSameCurriculum(folder: string, name: string, other: string): Promise<void> {
  await expectSameBytes(join(folder, name), join(folder, other))
  const kept = (one: string) => readFile(join(folder, one, 'curriculum.json'), 'utf8')
  const renamed = (await kept(name)).replace(`"output_dir": "${name}"`, `"output_dir": "${other}"`)
  expect(renamed).to.equal(await kept(other))
}
