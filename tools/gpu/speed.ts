/**
 * How fast a LoRA step is on a device, and in how much of its memory, beside PyTorch and PEFT on the same card.
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { languageHead } from '../../graphs/models/head.ts'
import { exportArtifacts } from '../../src/runs/artifacts.ts'
import type { ExportRequest } from '../../src/runs/artifacts.ts'
import type { ProviderOption } from '../../src/runtime/device.ts'
import { taskNamed } from '../../src/tasks/index.ts'
import { GPT2_SMALL, LORA } from '../bench/models.ts'
import { hasPeer, python } from '../bench/peers.ts'
import { withDeviceMemory } from './device_memory.ts'

/** One of the two sides at one shape. */
export interface Timed {
  readonly name: string
  readonly rows: number
  readonly length: number
  readonly loss: number
  readonly secondsPerStep: number
  /** The most that the process took of an NVIDIA card, MiB. */
  readonly deviceMiB: number | undefined
  /** The reason where there are no figures. */
  readonly failed?: string
}

type Kept = Pick<ExportRequest, 'base' | 'precision' | 'gradient_checkpointing'>

const KINDS: Readonly<Record<string, Kept>> = {
  fp32: {},
  fp16: { precision: 'fp16', base: 'fp16' },
  bf16: { precision: 'bf16', base: 'bf16' },
  'fp32, base int4': { base: 'int4' },
  'fp32, checkpointing': { gradient_checkpointing: true },
}
const PEERS = ['fp32', 'tf32', 'bf16']

const SHAPES = [
  { rows: 4, length: 128 },
  { rows: 4, length: 512 },
  { rows: 16, length: 512 },
]
/** For a GPU in software. */
const SMALL = {
  shapes: [{ rows: 2, length: 16 }],
  config: { n_layer: 2, n_head: 2, n_embd: 64, vocab_size: 512 },
}

/** @param folder for the models, of GPT-2 small's shape and random weights */
export async function timeSteps(
  provider: ProviderOption,
  folder: string,
  { small, steps }: { readonly small: boolean; readonly steps: number },
): Promise<Timed[]> {
  await mkdir(folder, { recursive: true })
  const config = join(folder, 'config.json')
  await writeFile(config, JSON.stringify({ ...GPT2_SMALL, ...(small ? SMALL.config : {}) }))
  const folders = await writeModels(folder, config)
  const timed: Timed[] = []
  for (const shape of small ? SMALL.shapes : SHAPES) {
    const numbers = [shape.rows, shape.length, steps].map(String)
    for (const [kind, artifacts] of folders) {
      const script = join(import.meta.dirname, 'step.ts')
      const args = ['--import', 'tsx', script, artifacts, provider, ...numbers]
      timed.push(await measured(`ortune, ${kind}`, shape, process.execPath, args))
    }
    if (small || !hasPeer('assert torch.cuda.is_available()')) continue
    for (const kind of PEERS) {
      const script = join(import.meta.dirname, '..', 'peers', 'lora_device.py')
      timed.push(await measured(`PyTorch, ${kind}`, shape, python, [script, kind, ...numbers]))
    }
  }
  return timed
}

async function writeModels(folder: string, config: string): Promise<Map<string, string>> {
  const optimizer = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01, max_grad_norm: 1 }
  const { graphOptions } = taskNamed('sft')
  const request = {
    task: 'sft' as const,
    ...{ options: graphOptions.parse({}), head: languageHead, lora: LORA, npt: null, seed: 1, optimizer },
  }
  const folders = new Map<string, string>()
  for (const [kind, kept] of Object.entries(KINDS)) {
    const out = join(folder, kind.replaceAll(/\W+/g, '-'))
    await exportArtifacts({ ...request, ...kept, model: folders.get('fp32') ?? config, out })
    folders.set(kind, out)
  }
  return folders
}

async function measured(
  name: string,
  shape: { readonly rows: number; readonly length: number },
  command: string,
  args: readonly string[],
): Promise<Timed> {
  process.stderr.write(`${name}, ${shape.rows} × ${shape.length} …\n`)
  try {
    const { output, deviceMiB } = await withDeviceMemory(command, args)
    const { loss, seconds_per_step } = JSON.parse(output) as { loss: number; seconds_per_step: number }
    return { name, ...shape, loss, secondsPerStep: seconds_per_step, deviceMiB }
  } catch (error) {
    const { stderr, message } = error as Error & { readonly stderr?: string }
    const failed = (stderr || message).trim().split('\n').at(-1)!
    return { name, ...shape, loss: NaN, secondsPerStep: NaN, deviceMiB: undefined, failed }
  }
}
