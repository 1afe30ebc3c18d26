/**
 * What is trained on a device and on the CPU: the shipped configurations, and what they leave out.
 * @module
 */
import { join } from 'node:path'

export interface Case {
  /** A file of `data/`. */
  readonly config: string
  /** Options that are others. */
  readonly options?: readonly string[]
  /** The table that it learns from; by default `dictionary.csv`. */
  readonly table?: string
  /** Steps; by default 10. */
  readonly steps?: number
  /** How far losses and gradients may lie apart, relative; by default 1e-4. */
  readonly within?: number
}

const REWARD = join(import.meta.dirname, 'reward.ts')
const PAIRS = { table: 'preferences.csv' }
const HALVES = ['per_device_train_batch_size=2', 'gradient_accumulation_steps=2']
/** Numbers of 10 and 7 bits: each tensor that is rounded lies up to 2⁻¹¹ or 2⁻⁸ off. */
const ROUNDED = { fp16: 0.02, bf16: 0.1 }

export const CASES: Readonly<Record<string, Case>> = {
  sft: { config: 'dictionary.yaml' },
  'sft, every parameter': { config: 'dictionary.yaml', options: ['lora=full', 'learning_rate=1e-4'] },
  'sft, micro-batches and plastic updates': {
    ...{ config: 'dictionary.yaml', options: [...HALVES, 'plastic={}'] },
  },
  'sft, gradient checkpointing': { config: 'dictionary.yaml', options: ['gradient_checkpointing=true'] },
  'sft, dropout and noise': {
    config: 'dictionary.yaml',
    options: ['lora.lora_dropout=0.1', 'sft.dropout=model', 'sft.neftune_noise_alpha=5'],
  },
  'sft, base bf16': { config: 'dictionary.yaml', options: ['base=bf16'] },
  'sft, base int4': { config: 'dictionary.yaml', options: ['base=int4'] },
  'sft, precision fp16': {
    ...{ config: 'dictionary.yaml', options: ['precision=fp16'], within: ROUNDED.fp16 },
  },
  'sft, precision bf16': {
    ...{ config: 'dictionary.yaml', options: ['precision=bf16'], within: ROUNDED.bf16 },
  },
  classification: { config: 'part_of_speech.yaml' },
  reward: { config: 'reward.yaml', ...PAIRS },
  dpo: { config: 'dpo.yaml', ...PAIRS },
  kto: { config: 'kto.yaml', ...PAIRS },
  orpo: { config: 'orpo.yaml', ...PAIRS },
  simpo: { config: 'simpo.yaml', ...PAIRS },
  ppo: {
    ...{ config: 'ppo.yaml', ...PAIRS, steps: 2 },
    options: [
      ...[
        `ppo.reward=${JSON.stringify({ function: REWARD })}`,
        'ppo.batch_size=8',
        'ppo.mini_batch_size=4',
        'ppo.ppo_epochs=2',
      ],
      ...['ppo.max_new_tokens=8', 'ppo.eval_prompts=4'],
    ],
  },
  neuroplastic: {
    ...{ config: 'neuroplastic.yaml', steps: 4 },
    options: ['neuroplastic.max_new_tokens=8', 'neuroplastic.eval_prompts=4'],
  },
  'plastic blocks': { config: 'npt.yaml', options: ['npt.rank=4'] },
  consolidation: { config: 'npt_consolidation.yaml', options: ['npt.rank=4'] },
}
