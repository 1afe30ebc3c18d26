/**
 * What is in an artifact folder, a model folder or an .onnx file: graphs, parameters, cost.
 * @module
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'

import { inferenceGraph } from '../../graphs/artifacts/generation.ts'
import { matmulFlops } from '../../graphs/flops.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { gpt2ParameterShapes } from '../../graphs/models/gpt2_config.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { loraParameterShapes } from '../../graphs/models/lora_config.ts'
import { UserError } from '../errors.ts'
import { externalData } from '../formats/external_data.ts'
import { readManifest } from '../formats/manifest.ts'
import type { Gpt2Folder } from '../formats/model_folder.ts'
import { openGpt2Folder } from '../formats/model_folder.ts'
import { readPeftAdapter } from '../formats/peft.ts'
import { exists, unreadable } from '../formats/read_file.ts'
import { sftGraphs, sftTask } from '../training/export.ts'
import type { OnnxSummary, TensorSummary } from './onnx_summary.ts'
import { summariseOnnx } from './onnx_summary.ts'
import type { ParameterGroup } from './parameter_groups.ts'
import { countParameters, parameterGroups, taskParameterGroups } from './parameter_groups.ts'

export interface ModelInspection extends Omit<OnnxSummary, 'initializers'> {
  /**
   * Floating-point operations per token of the matrix products, a multiplication and an addition counting as two. For
   * training (forward and backward) and evaluation: one sequence that fills the context, every position labelled. For
   * inference: the last token of such a sequence, all others cached. Null where the graph is not known to ortune.
   */
  readonly flops_per_token: number | null
}

export interface Inspection {
  readonly path: string
  readonly task: string | null
  readonly lora: LoraConfig | null
  /** Longest sequence, in tokens. */
  readonly context: number | null
  readonly parameters: {
    readonly trainable: number
    readonly frozen: number
    readonly groups: readonly ParameterGroup[]
  }
  readonly models: Readonly<Record<string, ModelInspection>>
}

/**
 * Inspects a folder with all graphs in it and in its folder `onnx`, or a single .onnx file.
 *
 * @throws UserError where there is nothing to inspect, or it is broken
 */
export async function inspect(path: string): Promise<Inspection> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  const home = found.isDirectory() ? path : homeOf(path)
  const files = found.isDirectory() ? await onnxFiles(path) : [path]
  const known = await knownFolder(home)
  if (!known && files.length === 0)
    throw new UserError(
      `${path} holds neither a model nor an .onnx file; name the folder of artifacts or of a model`,
    )

  const models: Record<string, ModelInspection> = {}
  const initializers: TensorSummary[] = []
  for (const file of files) {
    const bytes = await readFile(file)
    const name = relative(home, file)
    const { initializers: stored, ...summary } = summariseOnnx(bytes, file)
    models[name] = { ...summary, flops_per_token: known?.flops(name, bytes) ?? null }
    initializers.push(...stored)
  }
  const groups = known?.groups ?? parameterGroups(floatShapes(initializers), false)
  return {
    path,
    task: known?.task ?? null,
    lora: known?.lora ?? null,
    context: known?.context ?? null,
    parameters: { ...countParameters(groups), groups },
    models,
  }
}

/** The folder that a graph belongs to: its own, or the one above `onnx/`. */
function homeOf(file: string): string {
  const folder = dirname(file)
  return basename(folder) === 'onnx' ? dirname(folder) : folder
}

async function onnxFiles(folder: string): Promise<string[]> {
  const inside = async (path: string) =>
    (await readdir(path).catch((): string[] => []))
      .filter((name) => name.endsWith('.onnx'))
      .sort()
      .map((name) => join(path, name))
  return [...(await inside(folder)), ...(await inside(join(folder, 'onnx')))]
}

interface KnownFolder extends Pick<Inspection, 'task' | 'lora' | 'context'> {
  readonly groups: readonly ParameterGroup[]
  /** The cost of a graph that ortune wrote, by name and bytes. */
  readonly flops: (name: string, bytes: Uint8Array) => number | null
}

/** What ortune knows of a folder with a GPT-2 in it: an artifact folder has a manifest, a model folder only its model. */
async function knownFolder(folder: string): Promise<KnownFolder | undefined> {
  const manifest = (await exists(join(folder, 'ortune.json'))) ? await readManifest(folder) : undefined
  if (!manifest && !(await exists(join(folder, 'config.json')))) return undefined
  const model = await openGpt2Folder(folder)
  const shapes = gpt2ParameterShapes(model.config)
  const lora = manifest?.lora ?? null
  const context = model.config.n_positions
  const graphs = {
    ...(await inferenceGraphs(folder, model)),
    ...(manifest ? trainingGraphs(model, lora) : {}),
  }
  return {
    task: manifest?.task ?? null,
    lora,
    context,
    groups: manifest
      ? taskParameterGroups(shapes, lora ? loraParameterShapes(shapes, lora) : undefined)
      : parameterGroups(shapes, false),
    flops(name, bytes) {
      const known = graphs[name]
      // The graph is built anew for its shapes; only where it is byte for byte the file's does its cost count.
      if (!known || Buffer.compare(serialize(known.graph), bytes) !== 0) return null
      return matmulFlops(known.graph, known.binding) / known.tokens
    },
  }
}

interface KnownGraph {
  readonly graph: Graph
  /** Values of the symbolic dimensions, and how many tokens they make. */
  readonly binding: Readonly<Record<string, number>>
  readonly tokens: number
}

function trainingGraphs(
  { config, tensors }: Gpt2Folder,
  lora: LoraConfig | null,
): Record<string, KnownGraph> {
  const tokens = config.n_positions
  const binding = { batch: 1, sequence: tokens, labelled: tokens }
  const graphs = sftGraphs(sftTask(config, lora, externalData(tensors, 'model.safetensors')))
  return Object.fromEntries(Object.entries(graphs).map(([name, graph]) => [name, { graph, binding, tokens }]))
}

async function inferenceGraphs(
  folder: string,
  { config, tensors }: Gpt2Folder,
): Promise<Record<string, KnownGraph>> {
  const stored = externalData(tensors, 'model.onnx_data')
  const binding = { batch: 1, sequence: 1, past_sequence: config.n_positions - 1 }
  const known = (graph: Graph): KnownGraph => ({ graph, binding, tokens: 1 })
  const merged = { [join('onnx', 'model.onnx')]: known(inferenceGraph({ config, stored })) }
  const adapter = join(folder, 'adapter')
  if (!(await exists(join(adapter, 'adapter_config.json')))) return merged
  const lora = await readPeftAdapter(adapter)
  return { ...merged, [join('onnx', 'model_lora.onnx')]: known(inferenceGraph({ config, stored, lora })) }
}

const floatShapes = (tensors: readonly TensorSummary[]): Map<string, readonly number[]> =>
  new Map(
    tensors
      .filter(({ dtype }) => dtype.startsWith('float') || dtype === 'bfloat16')
      .map(({ name, shape }) => [name, shape.map(Number)]),
  )
