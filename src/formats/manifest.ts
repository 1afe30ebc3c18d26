/**
 * `ortune.json`: what an artifact folder is and how it was made.
 * @module
 */
import { join } from 'node:path'
import { z } from 'zod'

import type { Graph, Value } from '../../graphs/ir/graph.ts'
import { THIRD_FACTORS } from '../../graphs/optimizers/plastic.ts'
import { FROZEN_FILE } from './frozen_weights.ts'
import { headSchema } from './heads.ts'
import { fromVersion1, isVersion1 } from './manifest_version1.ts'
import { adaptationSchema, gradientCheckpointingSchema } from './adaptation_schema.ts'
import { nptConfigSchema } from './npt_config.ts'
import { PRECISIONS } from './precision.ts'
import { checkSealed } from './sealed.ts'
import { exists, readJson } from './read_file.ts'
import { TOKENIZER_FILES } from './tokenizer_files.ts'
import { UserError } from '../errors.ts'
import { checkJson } from '../schema.ts'

export const FORMAT_VERSION = 2

const tensor = z.strictObject({
  name: z.string(),
  dtype: z.string(),
  shape: z.array(z.union([z.int().min(0), z.string()])),
  /** What it means. */
  doc: z.string().optional(),
})

/** What training starts from: the trained tensors, under the names of the graphs' inputs. */
export const INITIAL_FILE = 'checkpoint.safetensors'

/** Below the folder, and without a step upwards. */
const innerPath = z.string().regex(/^(?!\.)[^/\\:]+(\/(?!\.)[^/\\:]+)*$/)

const manifestSchema = z.strictObject({
  format_version: z.literal(FORMAT_VERSION),
  /** What is learned. */
  task: z.string().min(1).max(100),
  /** The task's options that the graphs depend on. */
  options: z.record(z.string(), z.unknown()),
  /** What the model answers with. */
  head: headSchema,
  lora: adaptationSchema,
  /** Plastic blocks, which are trained; null where there are none. */
  npt: nptConfigSchema.nullable(),
  /** How the training graph saves memory; absent: not so. */
  gradient_checkpointing: gradientCheckpointingSchema.optional(),
  /** What the graphs compute in; absent: fp32. */
  precision: z.enum(PRECISIONS).optional(),
  seed: z.int().min(0),
  opset: z.int(),
  parameters: z.strictObject({ trainable: z.int().min(0), frozen: z.int().min(0) }),
  /** Per model file what it computes, and its inputs and outputs in order. */
  models: z.record(
    z.string(),
    z.strictObject({ doc: z.string().optional(), inputs: z.array(tensor), outputs: z.array(tensor) }),
  ),
  /** Inputs of the graphs that are the same at every step, such as `lora_scale`. */
  constants: z.record(z.string(), z.number()).optional(),
  /** What `optimizer_model.onnx` computes. */
  optimizer: z
    .strictObject({
      name: z.literal('AdamW'),
      beta1: z.number(),
      beta2: z.number(),
      epsilon: z.number(),
      weight_decay: z.number(),
      /** Null: gradients are not clipped. */
      max_grad_norm: z.number().nullable(),
      /** The `step` of the first step. */
      first_step: z.literal(1),
    })
    .optional(),
  /** What `plastic_model.onnx` computes after it; absent where there is none. */
  plastic: z
    .strictObject({
      plasticity_lr: z.number(),
      gamma: z.number(),
      beta: z.number(),
      lambda_decay: z.number(),
      third_factor: z.enum(THIRD_FACTORS),
    })
    .optional(),
  /** What the card of the base model says of its licence, under the card's keys. */
  licence: z.record(z.string(), z.string()).optional(),
  /** The file of the tensors that training starts from. */
  initial: z.string().optional(),
  /** What the run trains on; null until it has data. */
  data: z.strictObject({ fingerprint: z.string() }).nullable(),
  /** The options of `training.json` that may not change while the run goes on; runs of before have none. */
  settings: z.record(z.string(), z.unknown()).optional(),
  /** The options of `training.json` that may change, as the run was made with them; runs of before have none. */
  began_with: z.record(z.string(), z.unknown()).optional(),
  /** Of a run: a digest of what it is trained from, on and with, wherever that lies; runs of before have none. */
  identity: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** SHA-256 of each file that was written with the manifest; folders of before have none. */
  files: z.record(innerPath, z.string().regex(/^[0-9a-f]{64}$/)).default({}),
})

export type Manifest = z.infer<typeof manifestSchema>

/** Reads and checks the manifest of a folder. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, 'ortune.json')
  return parseManifest(await readJson(path), path)
}

/** Files that people write in. */
const OPEN_TO_CHANGE: readonly string[] = ['README.md', 'training.json']

/**
 * Whether the model of a folder, and of a run the data too, is what its manifest was written with.
 *
 * @throws UserError naming the file that has changed, or that a run's manifest has lost
 */
export async function checkFiles(
  folder: string,
  manifest: Pick<Manifest, 'files' | 'identity' | 'models' | 'initial'>,
  part: 'model' | 'run',
): Promise<void> {
  const { files, identity } = manifest
  const unlisted = identity === undefined ? undefined : await unlistedFile(folder, manifest)
  if (unlisted !== undefined)
    throw new UserError(
      `${join(folder, 'ortune.json')} is damaged, as its files lack ${unlisted}; put it back from a copy, or train anew`,
    )
  if (FROZEN_FILE in files && !(await exists(join(folder, FROZEN_FILE))))
    throw new UserError(
      `${join(folder, FROZEN_FILE)} is missing, the weights that ${folder} was trained on; put it back from a copy, or train anew`,
    )
  await checkSealed(
    folder,
    files,
    (path) => !OPEN_TO_CHANGE.includes(path) && (part === 'run' || !path.startsWith('data/')),
  )
}

/** The first file that a run needs and its manifest has no digest of. */
async function unlistedFile(
  folder: string,
  { files, models, initial }: Pick<Manifest, 'files' | 'models' | 'initial'>,
): Promise<string | undefined> {
  const needed = ['config.json', 'model.safetensors', ...Object.keys(models), initial ?? INITIAL_FILE]
  for (const name of [...needed, ...SPLIT_FILES]) if (!(name in files)) return name
  for (const name of TOKENIZER_FILES) if (!(name in files) && (await exists(join(folder, name)))) return name
  return undefined
}

const SPLIT_FILES: readonly string[] = ['data/train.arrow', 'data/validation.arrow']

/** A manifest from its JSON value, of this version or the one before. */
export const parseManifest = (json: unknown, where: string): Manifest =>
  checkJson(manifestSchema, isVersion1(json) ? fromVersion1(json, where) : json, where)

/** The inputs and outputs of a graph as the manifest lists them. */
export const signature = (graph: Graph): Manifest['models'][string] => ({
  doc: graph.doc,
  inputs: graph.inputs.map((value) => described(graph, value.name, value)),
  outputs: [...graph.outputs].map(([name, value]) => described(graph, name, value)),
})

const described = ({ docs }: Graph, name: string, { dtype, shape }: Pick<Value, 'dtype' | 'shape'>) => ({
  ...{ name, dtype, shape: [...shape] },
  doc: docs.get(name) ?? '',
})
