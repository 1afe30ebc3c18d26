/**
 * KTO's stored rows and results; see tools/fixtures/preference_kto.py.
 * @module
 */
import type { KtoLoss } from '../../graphs/losses/kto.ts'
import type { EncodedExample } from '../../src/data/examples/encode.ts'
import { unpairedOf } from '../data/unpaired.ts'
import { readPreferenceFixture } from './preference_fixtures.ts'

interface FixtureNumbers {
  readonly logps: number
  readonly reference_logps: number
  readonly logits: number
}

export interface KtoLosses {
  readonly rows: readonly (FixtureNumbers & {
    readonly label: boolean
    readonly mismatched: FixtureNumbers & { readonly completion_of: number }
  })[]
  readonly batches: readonly { readonly rows: readonly number[]; readonly kl: number; readonly z0: number }[]
  readonly losses: Readonly<
    Record<
      string,
      {
        readonly kto: KtoLoss & { readonly loss_type: 'kto' | 'apo_zero_unpaired' }
        readonly batch: number
        readonly loss: number
        readonly metrics: Readonly<Record<string, number>>
      }
    >
  >
}

export const readKtoLosses = (): Promise<KtoLosses> => readPreferenceFixture('kto', 'losses.json')

interface Unpaired {
  readonly prompt: readonly number[]
  readonly completion: readonly number[]
  readonly label: boolean
}

export async function readUnpaired(): Promise<EncodedExample[]> {
  const rows = await readPreferenceFixture<Unpaired[]>('kto', 'unpaired.json')
  return rows.map(({ prompt, completion, label }) => unpairedOf(prompt, completion, label))
}
