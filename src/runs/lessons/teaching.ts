/** @module */
import type { EncodedExample } from '../../data/examples/encode.ts'
import type { ReferenceTexts } from './reference_texts.ts'

export interface Watch {
  readonly texts: ReferenceTexts
  /** The highest perplexity that the held-out texts may have after the lesson. */
  readonly ceiling: number
  /** Of the lesson, from 1. */
  readonly number: number
}

/** The least that is wanted of a lesson, in nats. */
export const LEAST = 1

/** What a lesson took. */
export interface Taught {
  /** Of the optimizer. */
  readonly steps: number
  /** By which its update was folded; 0: not at all. None where lessons are not consolidated. */
  readonly strength?: number
  /** False: nothing could be learned below the ceiling, so the model is what it was. */
  readonly kept: boolean
}

/** A way to teach a text to the model that is open. */
export type Teaching = (example: EncodedExample, watch: Watch) => Promise<Taught>
