/**
 * The stored results of transformers and PEFT for a tiny classifier; see tools/fixtures/README.md.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import type { ClassificationTask } from '../../graphs/tasks/classification.ts'
import type { Pooling } from '../../graphs/layers/pooling.ts'
import { backboneShapes, HEAD, headShapes } from '../../graphs/models/encoder.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import type { PeftAdapter } from '../../src/formats/peft.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { collateClasses } from '../../src/tasks/classification.ts'
import type { FixtureModel } from './gpt2_fixtures.ts'
import { openFixtureModel } from './gpt2_fixtures.ts'

const root = resolve(import.meta.dirname, '../fixtures/classification')

export const classifierFixture = (...path: string[]): string => join(root, ...path)

export const readClassifierFixture = async <T>(...path: string[]): Promise<T> =>
  JSON.parse(await readFile(classifierFixture(...path), 'utf8')) as T

export const FIXTURE_CLASSES = ['calm', 'glad', 'wary']

export interface ClassifierBatch {
  readonly input_ids: readonly (readonly number[])[]
  readonly attention_mask: readonly (readonly number[])[]
  /** A class per row. */
  readonly labels: readonly number[]
}

/** The rows without their padding, each a sequence of its own. */
export const batchSequences = ({ input_ids, attention_mask, labels }: ClassifierBatch): EncodedExample[][] =>
  input_ids.map((ids, b) => [
    {
      input_ids: Int32Array.from(ids.filter((_, t) => attention_mask[b]![t] === 1)),
      labels: Int32Array.of(labels[b]!),
    },
  ])

export const batchFeeds = (batch: ClassifierBatch, pooling: Pooling, config: Gpt2Config): Feeds =>
  collateClasses(batchSequences(batch), { config, pooling }, batch.labels.length)

/** The classifier of transformers, its weights as what a task trains of it. */
export interface FixtureClassifier extends FixtureModel {
  readonly tensors: ReadonlyMap<string, FloatTensor>
}

export async function fixtureClassifier(): Promise<FixtureClassifier> {
  const model = await openFixtureModel(classifierFixture('model'), (config) => {
    return new Map([...backboneShapes(config), ...headShapes(config, FIXTURE_CLASSES.length)])
  })
  return { ...model, tensors: await readTensors(classifierFixture('model', 'model.safetensors')) }
}

/** A way of training the fixture, and the tensors that are trained. */
export interface Adapted {
  readonly task: ClassificationTask
  readonly tensors: ReadonlyMap<string, FloatTensor>
  /** `tensors` and `lora_scale`. */
  readonly feeds: Feeds
}

export type AdaptationName = 'lora' | 'full' | 'none'
export const ADAPTATIONS: readonly AdaptationName[] = ['lora', 'full', 'none']

/**
 * The fixture with its adapter, with every parameter, or with its head alone as what is trained.
 *
 * @param adapter which of PEFT's folders
 */
export async function adapted(
  model: FixtureClassifier,
  name: AdaptationName,
  settings: Pick<ClassificationTask, 'pooling' | 'dropout'>,
  adapter = ['adapter'],
): Promise<Adapted> {
  const task = { ...settings, config: model.config, stored: model.stored, classes: FIXTURE_CLASSES.length }
  if (name === 'lora') {
    const read = await readPeftAdapter(classifierFixture(...adapter))
    const { r, lora_alpha, target_modules } = read
    const tensors = withHead(read)
    const feeds = { ...tensorFeeds(tensors), ...loraScale(lora_alpha / r) }
    return { task: { ...task, lora: { r, lora_alpha, target_modules } }, tensors, feeds }
  }
  const tensors = name === 'full' ? model.tensors : new Map([[HEAD, model.tensors.get(HEAD)!]])
  return { task: { ...task, lora: name }, tensors, feeds: tensorFeeds(tensors) }
}

/** An adapter's tensors and its head's. */
export const withHead = ({ tensors, head }: PeftAdapter): Map<string, FloatTensor> =>
  new Map([...tensors, ...head!])
