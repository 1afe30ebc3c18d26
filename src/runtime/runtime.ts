/**
 * A runtime as the rest of the house sees it: it opens graphs, and keeps what they train. `node_runtime.ts` and
 * `web_runtime.ts` give one each; everything else is handed one.
 * @module
 */
import type { HalfType } from '../../graphs/ir/dtype.ts'
import type { Session, SessionOptions } from './session.ts'
import type { StateOptions, TrainingState } from './training_state.ts'

/** How a graph is opened; a runtime that has no such choice passes over it. */
export interface OpenOptions extends SessionOptions {
  /** Whether idle threads spin before they sleep; false where several sessions take turns. */
  readonly spinning?: boolean
  /** Whether constant weights are copied into the layout that the kernels like best. */
  readonly prepacking?: boolean
  /** Folder of the external data, where the model is bytes and the runtime reads files. */
  readonly externalFolder?: string
}

/** The types of 16 bits that a runtime computes in, and those that it keeps and widens at each use. */
export interface HalfTypes {
  readonly arithmetic: readonly HalfType[]
  readonly storage: readonly HalfType[]
}

/** Of the CPU. */
export const STORED_ALONE: HalfTypes = { arithmetic: [], storage: ['float16', 'bfloat16'] }

/** Whether there is a way to compute in a type. */
export const hasHalf = ({ arithmetic, storage }: HalfTypes, type: HalfType): boolean =>
  arithmetic.includes(type) || storage.includes(type)

export const lacksHalf = (provider: string, type: HalfType): string =>
  `${provider} on this device has no ${type}`

export interface Runtime {
  /** What it computes on and why, in a sentence, where it was left to it. */
  readonly chosen?: () => Promise<string | undefined>
  /** The name of what it computes on. */
  readonly provider?: () => Promise<string>
  /** What it does with numbers of 16 bits; absent: it stores them. */
  readonly halfTypes?: () => Promise<HalfTypes>
  /**
   * @param model a path, where the runtime reads files, or the bytes of an .onnx file
   * @throws UserError where it cannot be loaded
   */
  readonly open: (model: string | Uint8Array, options?: OpenOptions) => Promise<Session>
  /** Zeros for all tensors of a training. */
  readonly state: (
    shapes: ReadonlyMap<string, readonly number[]>,
    options?: StateOptions,
  ) => Promise<TrainingState>
}
