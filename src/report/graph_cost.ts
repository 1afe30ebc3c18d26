/**
 * What a graph costs, for the graphs that ortune writes. Their shapes are not in the file, so a graph is built anew from
 * its folder; where that is not byte for byte the file's graph, nothing is claimed about the file.
 * @module
 */
import { basename, join } from 'node:path'

import { inferenceGraph } from '../../graphs/inference/generation.ts'
import { matmulFlops } from '../../graphs/flops.ts'
import type { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { Dim } from '../../graphs/ir/shape.ts'
import { factsOf, familyOf } from '../../graphs/models/family.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { externalData } from '../formats/external_data.ts'
import { findFrozen, openFrozenFolder } from '../formats/frozen_weights.ts'
import type { ModelFolder } from '../formats/model_folder.ts'
import { readPeftAdapter } from '../formats/peft.ts'
import type { StoredTensors } from '../formats/weight_files.ts'
import type { Trained } from '../runs/run_graphs.ts'
import { runGraphs } from '../runs/run_graphs.ts'

/** A folder of ortune's: its model, and what is trained on it. */
export interface ArtifactFolder {
  readonly path: string
  readonly model: ModelFolder
  /** The plastic blocks of an exported model, where it has some. */
  readonly npt: NptConfig | undefined
  readonly facts: Trained | null
}

/**
 * Floating-point operations per token of a graph's matrix products, a multiplication and an addition counting as two. For
 * training (forward and backward) and evaluation: of one sequence that fills the context, every position labelled. For
 * inference: of the last token of such a sequence, all others cached.
 *
 * @param name the file, relative to the folder, with slashes
 * @returns null for a graph that is not one of ortune's
 */
export async function flopsPerToken(
  folder: ArtifactFolder,
  name: string,
  bytes: Uint8Array,
): Promise<number | null> {
  const graph = await rebuild(folder, name)
  if (!graph || Buffer.compare(serialize(graph), bytes) !== 0) return null
  const context = factsOf(folder.model.config).context
  // One of each: a row, a pair, whatever a task's graphs have many of.
  const ones = Object.fromEntries(
    graph.inputs.flatMap(({ shape }) => shape.filter(isSymbol).map((dim) => [dim, 1])),
  )
  return graph.inputs.some(({ name }) => name.startsWith('past_key_values.'))
    ? matmulFlops(graph, { ...ones, sequence: 1, past_sequence: context - 1 })
    : matmulFlops(graph, { ...ones, sequence: context, labelled: context }) / context
}

const isSymbol = (dim: Dim): dim is string => typeof dim === 'string' && /^\w+$/.test(dim)

/** The tensors of an exported file of few bits; undefined where another tool has written it. */
const fewBits = (path: string, { config, tensors }: ModelFolder): Promise<StoredTensors | undefined> =>
  findFrozen(path, config, new Map([...tensors].map(([name, { shape }]) => [name, shape]))).catch(
    () => undefined,
  )

async function rebuild(
  { path, model, npt, facts }: ArtifactFolder,
  name: string,
): Promise<Graph | undefined> {
  const { config, tensors } = model
  const task =
    facts && (await runGraphs(facts, config, externalData((await openFrozenFolder(path)).tensors, basename)))
  if (name === 'training_model.onnx') return task?.training()
  if (name === 'eval_model.onnx') return task?.evaluation()
  if (!familyOf(config).language) return undefined
  const exported = /^onnx\/model(?<lora>_lora)?(?<suffix>_q4|_fp16)?\.onnx$/.exec(name)?.groups
  if (!exported) return undefined
  const { suffix = '' } = exported
  const weights = `model${suffix}.onnx_data`
  const found = suffix === '_q4' ? await fewBits(join(path, 'onnx', weights), model) : tensors
  if (!found) return undefined
  const stored = externalData(found, weights)
  const lora = exported['lora'] ? { lora: await readPeftAdapter(join(path, 'adapter')) } : {}
  return inferenceGraph({ config, npt, stored, ...lora })
}
