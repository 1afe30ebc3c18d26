/**
 * The models that are timed: GPT-2 small with random weights, as runs of several tasks over the same weight file.
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { languageHead } from '../../graphs/models/head.ts'
import { exportArtifacts } from '../../src/runs/artifacts.ts'
import type { TaskName } from '../../src/tasks/index.ts'
import { taskNamed } from '../../src/tasks/index.ts'

export const GPT2_SMALL = {
  model_type: 'gpt2',
  n_layer: 12,
  n_head: 12,
  n_embd: 768,
  n_positions: 1024,
  vocab_size: 50257,
}
export const LORA: LoraConfig = { r: 8, lora_alpha: 16, target_modules: ['c_attn', 'attn.c_proj'] }
/** Of the same rank as the plastic blocks that are timed beside it. */
const LORA_16: LoraConfig = { ...LORA, r: 16, lora_alpha: 32 }
const SCORE = { kind: 'score', pooling: 'last', dropout: 0 } as const

/** Writes `lora`, that with what saves memory, `lora-16`, `full`, `dpo`, `reward` and `ppo` into a folder. */
export async function exportModels(folder: string): Promise<void> {
  const config = join(folder, 'config.json')
  writeFileSync(config, JSON.stringify(GPT2_SMALL))
  const optimizer = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01, max_grad_norm: 1 }
  const written = {
    seed: 1,
    optimizer,
    model: join(folder, 'lora'),
    head: languageHead,
    lora: LORA,
    npt: null,
  }
  const of = (task: TaskName) => ({ task, options: taskNamed(task).graphOptions.parse({}) })
  const out = (name: string) => ({ out: join(folder, name) })
  await exportArtifacts({ ...written, ...of('sft'), ...out('lora'), model: config })
  for (const base of ['bf16', 'int4'] as const)
    await exportArtifacts({ ...written, ...of('sft'), ...out(`lora-${base}`), base })
  const checkpointing = { gradient_checkpointing: true }
  await exportArtifacts({ ...written, ...of('sft'), ...out('lora-checkpointing'), ...checkpointing })
  await exportArtifacts({ ...written, ...of('sft'), ...out('lora-16'), lora: LORA_16 })
  await exportArtifacts({ ...written, ...of('sft'), ...out('full'), lora: 'full' })
  await exportArtifacts({ ...written, ...of('dpo'), ...out('dpo') })
  await exportArtifacts({ ...written, ...of('reward'), ...out('reward'), head: SCORE })
  await exportArtifacts({ ...written, ...of('ppo'), ...out('ppo') })
}
