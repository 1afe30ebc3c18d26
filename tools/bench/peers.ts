/**
 * The same workloads in Python, where it has what they need.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import type { Contender } from './paced.ts'

/** The peers' Python. */
export const python = process.env['ORTUNE_PYTHON'] ?? 'python3'
/** PPO's: TRL 0.11 and what it works with are older than the packages of the other peers. */
const trlPython = process.env['ORTUNE_TRL_PYTHON'] ?? python

const BASICS = 'import torch, transformers, peft'
export const TRL_TRAINERS = 'import datasets; from trl import DPOTrainer, RewardTrainer'
const TRL_PPO = 'import trl; assert trl.__version__.startswith("0.11.")'

const found = new Map<string, boolean>()

/** Whether the peers' Python imports what all of them need, and more; says so once where it does not. */
export const hasPeer = (imports = ''): boolean => canImport(python, imports)

/** The same of PPO's Python. */
export const hasPpoPeer = (): boolean => canImport(trlPython, TRL_PPO)

function canImport(command: string, imports: string): boolean {
  const known = found.get(imports)
  if (known !== undefined) return known
  const { status } = spawnSync(command, ['-c', `${BASICS}\n${imports}`], { stdio: 'ignore' })
  if (status !== 0) {
    const what = [BASICS, imports].filter(Boolean).join('; ')
    process.stderr.write(`${command} cannot do "${what}"; measuring ortune alone\n`)
  }
  found.set(imports, status === 0)
  return status === 0
}

/** A script of tools/peers, which waits for its turns. */
export const peer = (args: readonly string[]): Contender => pythonScript(python, args)

/** The same of PPO. */
export const ppoPeer = (args: readonly string[]): Contender => pythonScript(trlPython, args)

function pythonScript(command: string, [name, ...rest]: readonly string[]): Contender {
  const script = fileURLToPath(new URL(`../peers/${name}`, import.meta.url))
  return { command, args: [script, ...rest, '--paced'] }
}
