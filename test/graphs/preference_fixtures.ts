/**
 * The stored results of TRL for the tiny GPT-2; see tools/fixtures/README.md.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { expect } from 'chai'

import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { NO_LOSS } from '../../src/data/examples/encode.ts'
import { readPeftAdapter } from '../../src/formats/peft.ts'
import type { FloatTensor } from '../../src/formats/safetensors.ts'
import { readTensors } from '../../src/formats/safetensors.ts'
import { tensorFeeds } from '../../src/formats/tensor_feeds.ts'
import { loraScale } from '../../src/runtime/feeds.ts'
import type { Feeds } from '../../src/runtime/session.ts'
import { largestDifference, relativeDifference } from './gpt2_fixtures.ts'
import { constant, toHost } from './tensor.ts'

const root = resolve(import.meta.dirname, '../fixtures/preference')

export const preferenceFixture = (...path: string[]): string => join(root, ...path)

export const readPreferenceFixture = async <T>(...path: string[]): Promise<T> =>
  JSON.parse(await readFile(preferenceFixture(...path), 'utf8')) as T

export interface FixtureAdapter {
  readonly lora: LoraConfig
  /** The adapter's tensors, and its head's. */
  readonly tensors: ReadonlyMap<string, FloatTensor>
  /** `tensors`, and `lora_scale` as the adapter has it. */
  readonly feeds: Feeds
}

export async function readFixtureAdapter(...path: string[]): Promise<FixtureAdapter> {
  const { r, lora_alpha, target_modules, ...read } = await readPeftAdapter(preferenceFixture(...path))
  const tensors = new Map([...read.tensors, ...(read.head ?? [])])
  return {
    lora: { r, lora_alpha, target_modules },
    tensors,
    feeds: { ...tensorFeeds(tensors), ...loraScale(lora_alpha / r) },
  }
}

export const readTensorFeeds = async (...path: string[]): Promise<Feeds> =>
  tensorFeeds(await readTensors(preferenceFixture(...path)))

/** Numbers as a float32 vector. */
export const vector = (values: readonly number[]) => toHost(constant([values.length], values), 'float32')

/** Per response, per token. */
export type Ragged = readonly (readonly number[])[]

/** ppo/quantities.json: one batch of rollouts, and what TRL makes of it. */
export interface PpoQuantities {
  readonly queries: Ragged
  readonly responses: Ragged
  readonly scores: readonly number[]
  /** Of the policy that the responses are taken to come from. */
  readonly logps: Ragged
  readonly values: Ragged
  /** Of the model without an adapter. */
  readonly reference_logps: Ragged
  readonly variants: Readonly<Record<string, PpoVariant>>
  /** Of another policy, the one in `ppo/adapter` and `ppo/value_head.safetensors`; advantages are those of variant `plain`. */
  readonly update: {
    readonly logps: Ragged
    readonly values: Ragged
    readonly entropies: Ragged
    readonly loss: number
    /** Under TRL's names. */
    readonly statistics: Readonly<Record<string, number>>
  }
  /** The same policy at a temperature, with the entropy bonus. */
  readonly warm: {
    readonly temperature: number
    readonly entropy_coef: number
    readonly logps: Ragged
    readonly entropies: Ragged
    readonly policy_loss: number
    readonly value_loss: number
    readonly entropy: number
    readonly loss: number
  }
  readonly kl_controller: readonly {
    readonly init_kl_coef: number
    readonly target: number
    readonly horizon: number
    readonly n_steps: number
    readonly kls: readonly number[]
    /** The coefficient after each of `kls`. */
    readonly values: readonly number[]
  }[]
}

export interface PpoVariant {
  readonly settings: PpoSettings
  readonly kls: Ragged
  readonly non_score_rewards: Ragged
  readonly rewards: Ragged
  readonly advantages: Ragged
  readonly returns: Ragged
}

/** TRL's names, and its meaning. */
export interface PpoSettings {
  readonly init_kl_coef: number
  readonly target: number
  readonly horizon: number
  readonly gamma: number
  readonly lam: number
  readonly cliprange: number
  readonly cliprange_value: number
  readonly vf_coef: number
  readonly kl_penalty: 'kl' | 'abs' | 'mse'
  readonly whiten_rewards: boolean
  readonly score_clip: number | null
}

/** The tokens of the rollouts as inputs of PPO's graphs: queries and responses joined, padded on the right with end of text. */
export function rolloutFeeds(queries: Ragged, responses: Ragged, pad = 96): Feeds {
  const rows = queries.map((query, b) => [...query, ...responses[b]!])
  const width = Math.max(...rows.map(({ length }) => length))
  const matrix = (at: (row: readonly number[], t: number) => number) =>
    toHost(
      constant(
        [rows.length, width],
        rows.flatMap((row) => Array.from({ length: width }, (_, t) => at(row, t))),
      ),
      'int64',
    )
  const whole = (values: readonly number[]) => toHost(constant([values.length], values), 'int64')
  return {
    input_ids: matrix((row, t) => row[t] ?? pad),
    attention_mask: matrix((row, t) => Number(t < row.length)),
    position_ids: matrix((row, t) => (t < row.length ? t : 0)),
    label_positions: whole(
      responses.flatMap((response, b) => response.map((_, i) => b * width + queries[b]!.length + i - 1)),
    ),
    labels: whole(responses.flat()),
  }
}

/** pairs.json; answers end with an end of text. */
export interface FixturePair {
  readonly prompt: readonly number[]
  readonly chosen: readonly number[]
  readonly rejected: readonly number[]
  readonly margin: number
}

export const readPairs = (): Promise<readonly FixturePair[]> => readPreferenceFixture('pairs.json')

/** Pairs as rows of a data set: the prompt without labels, then the chosen, or the rejected answer. */
export const pairSequences = (pairs: readonly FixturePair[]): EncodedExample[][] =>
  pairs.map(({ prompt, chosen, rejected, margin }) =>
    [chosen, rejected].map((answer) => ({
      input_ids: Int32Array.from([...prompt, ...answer]),
      labels: Int32Array.from([...prompt.map(() => NO_LOSS), ...answer]),
      margin,
    })),
  )

/** Checks every `<tensor>_grad` against a file of PyTorch's gradients, which has all of them and no others. */
export async function expectGradients(got: Record<string, number[]>, ...file: string[]): Promise<void> {
  const expected = await readTensors(preferenceFixture(...file))
  const names = [...expected.keys()].map((name) => `${name.replace('base_model.model.', '')}_grad`)
  expect(Object.keys(got).filter((name) => name.endsWith('_grad'))).to.have.members(names)
  for (const [i, [name, { data }]] of [...expected].entries()) {
    const gradient = got[names[i]!]!
    // A tensor that the loss does not depend on, as a bias that all scores share.
    if (data.every((value) => Math.abs(value) < 1e-12))
      expect(largestDifference(gradient, data), name).to.be.at.most(1e-7)
    else expect(relativeDifference(gradient, data), name).to.be.at.most(1e-5)
  }
}
