/**
 * The stored results of transformers and PEFT for a tiny BERT; see tools/fixtures/README.md.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import type { ClassificationTask } from '../../graphs/tasks/classification.ts'
import type { ExternalData, Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { BertConfig } from '../../graphs/models/bert.ts'
import { backboneShapes, headShapes } from '../../graphs/models/encoder.ts'
import { externalData } from '../../src/formats/external_data.ts'
import { openModelFolder } from '../../src/formats/model_folder.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readStored } from '../../src/formats/read_stored.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds, Session } from '../../src/runtime/session.ts'
import { collateClasses } from '../../src/tasks/classification.ts'
import type { Adapted, AdaptationName, ClassifierBatch } from './classification_fixtures.ts'
import { batchSequences, FIXTURE_CLASSES, withHead } from './classification_fixtures.ts'

const root = resolve(import.meta.dirname, '../fixtures/bert')

export const bertFixture = (...path: string[]): string => join(root, ...path)

export const readBertFixture = async <T>(...path: string[]): Promise<T> =>
  JSON.parse(await readFile(bertFixture(...path), 'utf8')) as T

/** The id of [SEP]. */
export const SEPARATOR = 3

export interface BertBatch extends ClassifierBatch {
  readonly token_type_ids: readonly (readonly number[])[]
}

export interface FixtureBert {
  readonly config: BertConfig
  readonly stored: ReadonlyMap<string, ExternalData>
  readonly tensors: ReadonlyMap<string, FloatTensor>
  readonly open: (graph: Graph) => Promise<Session>
}

/** transformers' classifier, head included. */
export async function fixtureBert(): Promise<FixtureBert> {
  const { config, tensors } = await openModelFolder(bertFixture('model'), (config) => {
    return new Map([...backboneShapes(config), ...headShapes(config, FIXTURE_CLASSES.length)])
  })
  if (config.model_type !== 'bert') throw new Error('the fixture is no BERT')
  const data = await readFile(bertFixture('model', 'model.safetensors'))
  return {
    config,
    stored: externalData(tensors, 'model.safetensors'),
    tensors: await readStored(tensors),
    open: (graph) =>
      openNodeSession(serialize(graph), { externalData: [{ path: 'model.safetensors', data }] }),
  }
}

/** Token types are worked out from the separators. */
export const bertFeeds = (batch: BertBatch, config: BertConfig): Feeds => {
  const tokens = { config, pooling: 'last', separator: SEPARATOR } as const
  return collateClasses(batchSequences(batch), tokens, batch.labels.length)
}

/** The fixture with its adapter, with every parameter, or with its head alone as what is trained. */
export async function adaptedBert(
  { config, stored, tensors }: FixtureBert,
  name: AdaptationName,
  dropout = 0,
  adapter = ['adapter'],
): Promise<Adapted> {
  const classes = FIXTURE_CLASSES.length
  const task: Omit<ClassificationTask, 'lora'> = { config, stored, classes, pooling: 'last', dropout }
  if (name === 'lora') {
    const read = await readPeftAdapter(bertFixture(...adapter))
    const { r, lora_alpha, target_modules } = read
    const trained = withHead(read)
    const feeds = { ...tensorFeeds(trained), ...loraScale(lora_alpha / r) }
    return { task: { ...task, lora: { r, lora_alpha, target_modules } }, tensors: trained, feeds }
  }
  const head = [...headShapes(config, classes).keys()].map((key) => [key, tensors.get(key)!] as const)
  const trained = name === 'full' ? tensors : new Map(head)
  return { task: { ...task, lora: name }, tensors: trained, feeds: tensorFeeds(trained) }
}
