/**
 * `npm run bench`: training steps and decoding at GPT-2-small shape, beside the sgemm ceiling of the same run and,
 * where Python has PyTorch, transformers and PEFT, beside theirs.
 *
 *     npm run bench                              everything; about four minutes, ten with the peers
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
import type { Measurement } from './measure.ts'
import { WARMUP } from './measure.ts'
import { takeTurns } from './paced.ts'
import type { Comparison } from './table.ts'
import { comparison } from './table.ts'

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
const python = process.env['ORTUNE_PYTHON'] ?? 'python3'

interface Workload {
  readonly name: string
  readonly ours: readonly string[]
  readonly peer: readonly string[]
  /** Timed repetitions. */
  readonly repeats: number
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
].filter(({ name }) => name.startsWith(options.only))

const folder = mkdtempSync(join(tmpdir(), 'ortune-bench-'))
try {
  await exportModels()
  const withPeers = !options['no-peers'] && hasPeers()
  const results: Comparison[] = []
  for (const { name, ours, peer, repeats } of workloads) {
    process.stderr.write(`${name} …\n`)
    const [script, kind, ...rest] = ours
    const contenders = [
      {
        command: process.execPath,
        args: ['--import', 'tsx', join(here, script!), join(folder, kind!), ...rest],
      },
      { command: python, args: [join(here, '..', 'peers', peer[0]!), ...peer.slice(1), '--paced'] },
    ]
    const measured = await takeTurns(withPeers ? contenders : contenders.slice(0, 1), WARMUP + repeats)
    const [ortune, pytorch] = measured as [Measurement, Measurement | undefined]
    results.push({ name, ortune, ...(pytorch ? { pytorch } : {}) })
  }
  process.stdout.write(options.json ? `${JSON.stringify(results)}\n` : comparison(results))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** GPT-2 small with random weights, as a LoRA run and as a full run over the same weight file. */
async function exportModels(): Promise<void> {
  process.stderr.write('writing a GPT-2-small model with random weights …\n')
  const config = join(folder, 'config.json')
  writeFileSync(config, JSON.stringify(GPT2_SMALL))
  const optimizer = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01, max_grad_norm: 1 }
  const common = { seed: 1, optimizer }
  await exportArtifacts({ ...common, model: config, out: join(folder, 'lora'), lora: LORA, head: null })
  await exportArtifacts({
    ...common,
    model: join(folder, 'lora'),
    out: join(folder, 'full'),
    lora: 'full',
    head: null,
  })
}

function hasPeers(): boolean {
  const found = spawnSync(python, ['-c', 'import torch, transformers, peft'], { stdio: 'ignore' })
  if (found.status === 0) return true
  process.stderr.write('PyTorch, transformers and PEFT are not installed; measuring ortune alone\n')
  return false
}
