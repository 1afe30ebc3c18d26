/**
 * The stored results of PyTorch, transformers and PEFT for a tiny GPT-2; see tools/fixtures/README.md.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import type { ExternalData, Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { factsOf } from '../../graphs/models/family.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { NO_LOSS } from '../../src/data/examples/encode.ts'
import { externalData } from '../../src/formats/external_data.ts'
import { openGpt2Folder } from '../gpt2_folder.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds, HostTensor, Session } from '../../src/runtime/session.ts'

const root = resolve(import.meta.dirname, '../fixtures/gpt2')

export const fixture = (...path: string[]): string => join(root, ...path)

export const readFixture = async <T>(...path: string[]): Promise<T> =>
  JSON.parse(await readFile(fixture(...path), 'utf8')) as T

/** `[rows][width]` each, labels unshifted. */
export interface FixtureBatch {
  readonly input_ids: readonly (readonly number[])[]
  readonly attention_mask: readonly (readonly number[])[]
  readonly position_ids: readonly (readonly number[])[]
  readonly labels: readonly (readonly number[])[]
}

/** The fixture model, or a variant of it. */
export interface FixtureModel {
  readonly config: Gpt2Config
  readonly stored: ReadonlyMap<string, ExternalData>
  readonly open: (graph: Graph) => Promise<Session>
}

export const fixtureModel = (...path: string[]): Promise<FixtureModel> =>
  openFixtureModel(fixture(...(path.length === 0 ? ['model'] : path)))

/** @param shapesOf the parameters wanted, by default those of the language model */
export async function openFixtureModel(
  folder: string,
  shapesOf?: (config: Gpt2Config) => ParameterShapes,
): Promise<FixtureModel> {
  const { config, tensors } = await openGpt2Folder(folder, shapesOf)
  const data = await readFile(join(folder, 'model.safetensors'))
  return {
    config,
    stored: externalData(tensors, 'model.safetensors'),
    open: (graph) =>
      openNodeSession(serialize(graph), { externalData: [{ path: 'model.safetensors', data }] }),
  }
}

const int64 = (dims: readonly number[], values: readonly number[]): HostTensor => ({
  dtype: 'int64',
  dims,
  data: BigInt64Array.from(values, BigInt),
})

const matrix = (rows: readonly (readonly number[])[]): HostTensor =>
  int64([rows.length, rows[0]!.length], rows.flat())

/** The inputs of a training graph; padding may lie on either side. */
export function trainingFeeds({ input_ids, attention_mask, position_ids, labels }: FixtureBatch): Feeds {
  const width = labels[0]!.length
  const predicted = labels.flatMap((row, b) =>
    row.flatMap((label, t) => (t > 0 && label !== NO_LOSS ? [{ position: b * width + t - 1, label }] : [])),
  )
  const count = predicted.length
  return {
    input_ids: matrix(input_ids),
    attention_mask: matrix(attention_mask),
    position_ids: matrix(position_ids),
    label_positions: int64(
      [count],
      predicted.map(({ position }) => position),
    ),
    labels: int64(
      [count],
      predicted.map(({ label }) => label),
    ),
    label_weights: { dtype: 'float32', dims: [count], data: new Float32Array(count).fill(1 / count) },
  }
}

/** The inputs of an inference graph with an empty cache. */
export function inferenceFeeds(batch: FixtureBatch, config: ModelConfig): Record<string, HostTensor> {
  const facts = factsOf(config)
  const dims = [batch.input_ids.length, facts.kvHeads, 0, facts.headSize]
  const empty: HostTensor = { dtype: 'float32', dims, data: new Float32Array(0) }
  const layers = Array.from({ length: facts.layers }, (_, layer) => layer)
  return {
    input_ids: matrix(batch.input_ids),
    attention_mask: matrix(batch.attention_mask),
    position_ids: matrix(batch.position_ids),
    ...Object.fromEntries(
      layers.flatMap((layer) => ['key', 'value'].map((part) => [`past_key_values.${layer}.${part}`, empty])),
    ),
  }
}

/** The same batch with other tokens where the mask is 0. */
export function otherPads(feeds: Feeds, vocabulary: number): Feeds {
  const { data, ...ids } = feeds['input_ids']!
  const mask = feeds['attention_mask']!.data
  const changed = (data as BigInt64Array).map((id, i) =>
    mask[i] === 0n ? BigInt((7 * i + 3) % vocabulary) : id,
  )
  return { ...feeds, input_ids: { ...ids, data: changed } }
}

/** What a session gives out, by name, as plain numbers. */
export const numbersOf = (outputs: Readonly<Record<string, HostTensor>>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Array.from(data, Number)]))

/** The largest |a − b|. */
export const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)

/** The largest |a − b|, relative to the largest |b| of the tensor. */
export const relativeDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  largestDifference(a, b) / Array.from(b).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
