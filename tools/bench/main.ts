/**
 * `npm run bench`: training steps and decoding at GPT-2-small shape, beside the sgemm ceiling of the same run and,
 * where Python has PyTorch, transformers and PEFT, beside theirs; and the memory that NPT's phase 1 takes.
 *
 *     npm run bench                              everything; about six minutes, fifteen with the peers
 *     npm run bench -- --steps 12 --only lora    more repetitions of the workloads whose names begin so
 *     npm run bench -- --json                    one JSON object
 *
 * The peers' Python is `python3`, or what the variable ORTUNE_PYTHON names.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { exportArtifacts } from '../../src/training/export.ts'
import { WARMUP } from './measure.ts'
import { memoryGrowth } from './memory_growth.ts'
import type { MemoryRound } from './npt_memory.ts'
import type { Contender } from './paced.ts'
import { takeTurns } from './paced.ts'
import type { Comparison, Phase1Memory } from './table.ts'
import { comparison, phase1MemoryTable } from './table.ts'

const here = dirname(fileURLToPath(import.meta.url))
const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '8' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    'no-peers': { type: 'boolean', default: false },
  },
})

const GPT2_SMALL = {
  model_type: 'gpt2',
  n_layer: 12,
  n_head: 12,
  n_embd: 768,
  n_positions: 1024,
  vocab_size: 50257,
}
const LORA: LoraConfig = { r: 8, lora_alpha: 16, target_modules: ['c_attn', 'attn.c_proj'] }
/** Of the same rank as the plastic blocks that are timed beside it. */
const LORA_16: LoraConfig = { ...LORA, r: 16, lora_alpha: 32 }
const MEMORY = 'npt-memory'
const python = process.env['ORTUNE_PYTHON'] ?? 'python3'

interface Workload {
  readonly name: string
  readonly ours: readonly string[]
  readonly peer: readonly string[]
  /** Another workload of ours in the same turns. */
  readonly lora?: readonly string[]
  /** Timed repetitions. */
  readonly repeats: number
  /** Whether it is measured for the peer's sake. */
  readonly needsPeer?: boolean
}

const workloads: readonly Workload[] = [
  ...['1', '0.25'].flatMap((share) =>
    ['lora', 'full'].map((kind) => ({
      name: `${kind}-labels-${share}`,
      ours: ['training.ts', kind, share, options.steps],
      peer: [`${kind}.py`, '--labels', share, '--steps', options.steps],
      repeats: Number(options.steps),
    })),
  ),
  ...['1', '8'].map((batch) => ({
    name: `generate-batch-${batch}`,
    ours: ['decoding.ts', 'lora', batch, options.steps],
    peer: ['generate.py', '--batch', batch, '--steps', options.steps],
    repeats: Number(options.steps),
  })),
  ...['upper_half', 'all'].map((layers) => ({
    name: `npt-phase1-${layers}`,
    ours: ['npt.ts', 'lora', layers, options.steps],
    peer: ['npt.py', '--layers', layers, '--steps', options.steps],
    lora: ['training.ts', 'lora-16', '1', options.steps],
    repeats: Number(options.steps),
  })),
  {
    // The loop takes so long for each token that it gets a few only.
    name: 'npt-phase1-upper_half-loop',
    ours: ['npt.ts', 'lora', 'upper_half', '2'],
    peer: ['npt.py', '--kind', 'loop', '--batch', '1', '--length', '8', '--steps', '2'],
    repeats: 2,
    needsPeer: true,
  },
].filter(({ name }) => name.startsWith(options.only))

const folder = mkdtempSync(join(tmpdir(), 'ortune-bench-'))
try {
  await exportModels()
  const withPeers = !options['no-peers'] && hasPeers()
  const results: Comparison[] = []
  for (const { name, ours, peer, lora, repeats, needsPeer = false } of workloads) {
    if (needsPeer && !withPeers) continue
    process.stderr.write(`${name} …\n`)
    const contenders = {
      ortune: script(ours),
      ...(lora ? { lora: script(lora) } : {}),
      ...(withPeers ? { pytorch: pythonScript(peer) } : {}),
    }
    const measured = await takeTurns(Object.values(contenders), WARMUP + repeats)
    const byName = Object.keys(contenders).map((key, i) => [key, measured[i]])
    results.push({ name, ...(Object.fromEntries(byName) as Omit<Comparison, 'name'>) })
  }
  // Linux alone tells what memory belongs to a process.
  const watches = process.platform === 'linux' && MEMORY.startsWith(options.only)
  const memory = watches ? await phase1Memory() : []
  if (options.json) process.stdout.write(`${JSON.stringify({ workloads: results, phase1_memory: memory })}\n`)
  else process.stdout.write([comparison(results), phase1MemoryTable(memory)].filter(Boolean).join('\n'))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** A script of this folder on one of the exported models. */
function script([name, model, ...rest]: readonly string[]): Contender {
  const args = ['--import', 'tsx', join(here, name!), join(folder, model!), ...rest]
  return { command: process.execPath, args }
}

function pythonScript([name, ...rest]: readonly string[]): Contender {
  return { command: python, args: [join(here, '..', 'peers', name!), ...rest, '--paced'] }
}

async function phase1Memory(): Promise<Phase1Memory[]> {
  process.stderr.write(`${MEMORY} …\n`)
  const { result, growth } = await memoryGrowth(script(['npt_memory.ts', 'lora']))
  return (result as MemoryRound[])
    .map((round, i) => ({ ...round, growth_mb: growth[i]! }))
    .filter(({ tokens }) => tokens > 0)
}

/** GPT-2 small with random weights, as LoRA runs and as a full run over the same weight file. */
async function exportModels(): Promise<void> {
  process.stderr.write('writing a GPT-2-small model with random weights …\n')
  const config = join(folder, 'config.json')
  writeFileSync(config, JSON.stringify(GPT2_SMALL))
  const optimizer = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01, max_grad_norm: 1 }
  const written = { seed: 1, optimizer, model: join(folder, 'lora'), head: null }
  await exportArtifacts({ ...written, model: config, out: join(folder, 'lora'), lora: LORA })
  await exportArtifacts({ ...written, out: join(folder, 'lora-16'), lora: LORA_16 })
  await exportArtifacts({ ...written, out: join(folder, 'full'), lora: 'full' })
}

function hasPeers(): boolean {
  const found = spawnSync(python, ['-c', 'import torch, transformers, peft'], { stdio: 'ignore' })
  if (found.status === 0) return true
  process.stderr.write('PyTorch, transformers and PEFT are not installed; measuring ortune alone\n')
  return false
}
