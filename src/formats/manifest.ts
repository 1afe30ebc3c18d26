/**
 * `ortune.json`: what an artifact folder is and how it was made.
 * @module
 */
import { join } from 'node:path'
import { z } from 'zod'

import type { Graph } from '../../graphs/ir/graph.ts'
import { poolings } from '../../graphs/layers/pooling.ts'
import { dpoLossTypes } from '../../graphs/losses/dpo.ts'
import type { Classifier } from './classifier_config.ts'
import { nptConfigSchema } from './npt_config.ts'
import { readJson } from './read_file.ts'
import { checkJson } from './schema.ts'

export const FORMAT_VERSION = 1

const tensor = z.strictObject({
  name: z.string(),
  dtype: z.string(),
  shape: z.array(z.union([z.int().min(0), z.string()])),
})

export const loraConfigSchema = z.strictObject({
  r: z.int().min(1).max(4096).default(8),
  lora_alpha: z.number().positive().default(16),
  target_modules: z.array(z.string().min(1)).min(1).default(['c_attn', 'attn.c_proj']),
})

/** Adapters; `full` trains every parameter; `none` leaves the model as it is and trains a head alone. */
export const adaptationSchema = z.union([z.literal('full'), z.literal('none'), loraConfigSchema])

/** How plastic blocks learn to do what the model's own blocks do. */
export const equivalenceSchema = z.strictObject({
  hidden_states: z.enum(['teacher', 'student']).default('teacher'),
  equivalence_weight: z.number().min(0).default(1),
  low_magnitude_weight: z.number().min(0).default(0.01),
  distillation_weight: z.number().min(0).default(0),
})

export type EquivalenceConfig = z.infer<typeof equivalenceSchema>

export const FOLDS = ['mean', 'last', 'weighted'] as const

/** How plastic blocks learn to keep what a text says. */
export const consolidationSchema = z.strictObject({
  /** How the modulations of a text's tokens are folded into one. */
  fold: z.enum(FOLDS).default('mean'),
  /** Weight of what a text's update changes on other texts. */
  damage_weight: z.number().min(0).default(1),
})

/** How a reward model learns from pairs. */
export const rewardSchema = z.strictObject({
  /** Weight of (s₊ + s₋)², which keeps scores around 0. */
  center_rewards_coefficient: z.number().min(0).default(0),
})

/** How a policy learns from pairs, under TRL's option names. */
export const dpoSchema = z.strictObject({
  loss_type: z.enum(dpoLossTypes).default('sigmoid'),
  /** How firmly the policy is held to the reference. */
  beta: z.number().positive().default(0.1),
  /** Share of the pairs that are believed to be the wrong way round. */
  label_smoothing: z.number().min(0).lt(0.5).default(0),
  /** Divides an answer's log-probability by its tokens; ipo does so by definition. */
  length_normalised: z.boolean().default(false),
  /** Weight of the chosen answer's own loss per token, which keeps it likely. */
  rpo_alpha: z.number().min(0).default(0),
})

/** What of PPO the training graph holds, under TRL's option names. */
export const ppoLossSchema = z.strictObject({
  cliprange: z.number().positive().default(0.2),
  cliprange_value: z.number().positive().default(0.2),
  vf_coef: z.number().min(0).default(0.1),
  entropy_coef: z.number().min(0).default(0),
  /** Of the distribution that responses are drawn from, whose log-probabilities are compared. */
  temperature: z.number().positive().default(0.7),
})

export const TASKS = [
  'sft',
  'classification',
  'equivalence',
  'consolidation',
  'reward',
  'dpo',
  'ppo',
] as const
export type TaskName = (typeof TASKS)[number]

/** Longest list of classes and longest name that are believed. */
const className = z.string().min(1).max(200)

const headSchema = z.strictObject({
  classes: z.array(className).min(1).max(10_000),
  pooling: z.enum(poolings),
  /** Probability of dropping a pooled feature while training. */
  dropout: z.number().min(0).lt(1),
})

/** The head of a classifier, and how it is trained; that of a reward model has one class, whose logit is the score. */
export interface ClassificationHead extends Classifier {
  readonly dropout: number
}

const manifestSchema = z.strictObject({
  format_version: z.literal(FORMAT_VERSION),
  task: z.enum(TASKS),
  lora: adaptationSchema,
  /** Of tasks classification and reward; null for others. */
  head: headSchema.nullable().default(null),
  /** Plastic blocks, which are trained; null where there are none. */
  npt: nptConfigSchema.nullable().default(null),
  /** Of task equivalence; null for others. */
  equivalence: equivalenceSchema.nullable().default(null),
  /** Of task consolidation; null for others. */
  consolidation: consolidationSchema.nullable().default(null),
  /** Of task reward; null for others. */
  reward: rewardSchema.nullable().default(null),
  /** Of task dpo; null for others. */
  dpo: dpoSchema.nullable().default(null),
  /** Of task ppo; null for others. */
  ppo: ppoLossSchema.nullable().default(null),
  seed: z.int().min(0),
  opset: z.int(),
  parameters: z.strictObject({ trainable: z.int().min(0), frozen: z.int().min(0) }),
  /** Per model file, its inputs and outputs in order. */
  models: z.record(z.string(), z.strictObject({ inputs: z.array(tensor), outputs: z.array(tensor) })),
  /** What the run trains on; null until it has data. */
  data: z.strictObject({ fingerprint: z.string() }).nullable(),
})

export type Manifest = z.infer<typeof manifestSchema>

/** Reads and checks the manifest of a folder. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, 'ortune.json')
  return checkJson(manifestSchema, await readJson(path), path)
}

/** The inputs and outputs of a graph as the manifest lists them. */
export const signature = (graph: Graph): Manifest['models'][string] => ({
  inputs: graph.inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape: [...shape] })),
  outputs: [...graph.outputs].map(([name, { dtype, shape }]) => ({ name, dtype, shape: [...shape] })),
})
