/** @module */

import type { HalfType } from '../../graphs/ir/dtype.ts'

/** A provider, or the first that works. */
export const PROVIDER_OPTIONS = ['cpu', 'webgpu', 'cuda', 'auto'] as const
export type ProviderOption = (typeof PROVIDER_OPTIONS)[number]

/** Where to compute. */
export interface Device {
  /** Default 'cpu'. */
  readonly provider?: ProviderOption | undefined
  /** Threads inside one operator; null or absent: one per physical core. */
  readonly threads?: number | null | undefined
  /** What graphs are to compute in, where it is of 16 bits: 'auto' passes over a provider that lacks it. */
  readonly half?: HalfType | undefined
}
