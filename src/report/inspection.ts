/**
 * What is in an artifact folder, a model folder or an .onnx file: graphs, parameters, cost.
 * @module
 */
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'

import type { Adaptation } from '../../graphs/models/adaptation.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { factsOf } from '../../graphs/models/family.ts'
import { ownShapes } from '../../graphs/models/own_shapes.ts'
import { UserError } from '../errors.ts'
import { standingRun } from '../formats/curriculum.ts'
import { readRunManifest } from '../runs/run_manifest.ts'
import { openModelFolder } from '../formats/model_folder.ts'
import { readNptConfig } from '../formats/npt_config.ts'
import { exists, readBytes, unreadable } from '../formats/read_file.ts'
import { besideShapes } from '../models/trained_feeds.ts'
import { runGraphs } from '../runs/run_graphs.ts'
import type { ArtifactFolder } from './graph_cost.ts'
import { flopsPerToken } from './graph_cost.ts'
import type { OnnxSummary, TensorSummary } from './onnx_summary.ts'
import { summariseOnnx } from './onnx_summary.ts'
import type { ParameterGroup } from './parameter_groups.ts'
import { countParameters, parameterGroups } from './parameter_groups.ts'

export interface ModelInspection extends Omit<OnnxSummary, 'initializers'> {
  /** See `flopsPerToken`; null where the graph is not one of ortune's. */
  readonly flops_per_token: number | null
}

export interface Inspection {
  readonly path: string
  readonly task: string | null
  /** What of the model is trained; null where the folder is no task's. */
  readonly lora: Adaptation | null
  /** Longest sequence, in tokens. */
  readonly context: number | null
  readonly parameters: {
    readonly trainable: number
    readonly frozen: number
    readonly groups: readonly ParameterGroup[]
  }
  /** By file, relative to the folder. */
  readonly models: Readonly<Record<string, ModelInspection>>
}

/** ONNX files are protocol buffers, which have less than 2 GiB. */
const MOST_BYTES = 2 ** 31 - 1

/**
 * Inspects a folder with all graphs in it and in its folder `onnx`, or a single .onnx file.
 *
 * @throws UserError where there is nothing to inspect, or it is broken
 */
export async function inspect(named: string): Promise<Inspection> {
  const path = await standingRun(named)
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
    const bytes = await readBytes(file, MOST_BYTES)
    const name = relative(home, file).replaceAll(sep, '/')
    const { initializers: stored, ...summary } = summariseOnnx(bytes, file)
    models[name] = { ...summary, flops_per_token: known ? await flopsPerToken(known, name, bytes) : null }
    initializers.push(...stored)
  }
  const groups = known?.groups ?? parameterGroups(floatShapes(initializers), false)
  return {
    path,
    task: known?.task ?? null,
    lora: known?.facts?.lora ?? null,
    context: known ? factsOf(known.model.config).context : null,
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

interface KnownFolder extends ArtifactFolder {
  readonly task: string | null
  readonly groups: readonly ParameterGroup[]
}

/** A folder with a model in it: artifacts have a manifest and something to train, a model folder has not. */
async function knownFolder(path: string): Promise<KnownFolder | undefined> {
  const isArtifact = await exists(join(path, 'ortune.json'))
  const isModel = (await exists(join(path, 'config.json'))) && (await exists(join(path, 'model.safetensors')))
  if (!isArtifact && !isModel) return undefined
  const npt = await readNptConfig(path)
  const shapesOf = (config: ModelConfig) => new Map([...ownShapes(config), ...besideShapes({ npt }, config)])
  const model = await openModelFolder(path, shapesOf)
  if (!isArtifact) {
    const groups = parameterGroups(shapesOf(model.config), false)
    return { path, model, npt, facts: null, task: null, groups }
  }
  const facts = await readRunManifest(path)
  const { trainable, frozen } = await runGraphs(facts, model.config, new Map())
  const groups = [...parameterGroups(trainable, true), ...parameterGroups(frozen, false)]
  return { path, model, npt, facts, task: facts.task, groups }
}

const floatShapes = (tensors: readonly TensorSummary[]): Map<string, readonly number[]> =>
  new Map(
    tensors
      .filter(({ dtype }) => dtype.startsWith('float') || dtype === 'bfloat16')
      .map(({ name, shape }) => [name, shape.map(Number)]),
  )
