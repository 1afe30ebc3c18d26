/**
 * The stored results of PyTorch for a tiny GPT-2 with plastic blocks; see tools/fixtures/README.md.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import type { EquivalenceTask } from '../../graphs/tasks/equivalence.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import type { Feeds, HostTensor } from '../../src/runtime/session.ts'
import type { FixtureBatch } from './gpt2_fixtures.ts'
import { trainingFeeds } from './gpt2_fixtures.ts'

const root = resolve(import.meta.dirname, '../fixtures/npt')

export const readNptTensors = (name: string): Promise<Map<string, FloatTensor>> =>
  readTensors(join(root, `${name}.safetensors`))

export const NPT_SETTINGS = ['published', 'residual'].flatMap((kind) =>
  ['upper', 'first', 'both'].map((layers) => `${kind}_${layers}`),
)
export const NPT_MODES = ['teacher', 'student', 'distilled']

/** A converted model, and what PyTorch computes for it beside `<setting>.safetensors`. */
export interface NptSetting {
  readonly npt: NptConfig
  /** The converted blocks, ascending. */
  readonly blocks: readonly number[]
  readonly causal_loss: number
  /** By mode. */
  readonly phase1: Readonly<Record<string, Phase1>>
}

/** A loss, and by plastic block what it is made of. */
export interface Phase1 {
  readonly loss: number
  readonly equivalence: readonly number[]
  readonly low_magnitude: readonly number[]
  readonly cosine: readonly number[]
  readonly distillation?: readonly number[]
}

export interface NptFixtures {
  readonly weights: Pick<EquivalenceTask, 'equivalence_weight' | 'low_magnitude_weight'>
  readonly modes: Readonly<Record<string, Pick<EquivalenceTask, 'hidden_states' | 'distillation_weight'>>>
  readonly settings: Readonly<Record<string, NptSetting>>
  readonly batch: FixtureBatch & { readonly token_weights: readonly (readonly number[])[] }
  /** A and B of every block. */
  readonly plastic: ReadonlyMap<string, FloatTensor>
}

export async function nptFixtures(): Promise<NptFixtures> {
  const json = async <T>(name: string) => JSON.parse(await readFile(join(root, name), 'utf8')) as T
  return {
    ...(await json<Omit<NptFixtures, 'batch' | 'plastic'>>('settings.json')),
    batch: await json('batch.json'),
    plastic: await readNptTensors('plastic'),
  }
}

/** The inputs A and B of some blocks. */
export const plasticFeeds = (plastic: NptFixtures['plastic'], blocks: readonly number[]): Feeds =>
  tensorFeeds(new Map([...plastic].filter(([name]) => blocks.some((n) => name.includes(`.h.${n}.`)))))

/** The batch of phase 1. */
export function equivalenceFeeds({ batch }: NptFixtures): Record<string, HostTensor> {
  const { input_ids, attention_mask, position_ids } = trainingFeeds(batch) as Record<string, HostTensor>
  const rows = batch.token_weights
  const token_weights: HostTensor = {
    dtype: 'float32',
    dims: [rows.length, rows[0]!.length],
    data: Float32Array.from(rows.flat()),
  }
  return {
    input_ids: input_ids!,
    attention_mask: attention_mask!,
    position_ids: position_ids!,
    token_weights,
  }
}

/** Some rows of every tensor of a batch. */
export const rowsOf = (feeds: Feeds, from: number, to: number): Feeds =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, dims, data }]) => {
      const width = data.length / dims[0]!
      return [
        name,
        { dtype, dims: [to - from, ...dims.slice(1)], data: data.slice(from * width, to * width) },
      ]
    }),
  )

/** The rows [tokens, …] of real tokens. */
export function realRows(values: readonly number[], { attention_mask }: FixtureBatch): number[] {
  const mask = attention_mask.flat()
  const width = values.length / mask.length
  return values.filter((_, i) => mask[Math.floor(i / width)] === 1)
}
