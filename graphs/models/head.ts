/**
 * What a model answers with: the next token, classes, or numbers.
 * @module
 */
import type { Pooling } from '../layers/pooling.ts'

/** How a pooled vector is made. */
interface Pooled {
  /** How hidden states become one vector; a BERT has a pooled output of its own. */
  readonly pooling: Pooling
  /** Probability of dropping a pooled feature while training. */
  readonly dropout: number
}

export interface ClassesHead extends Pooled {
  /**
   * `classes`: a text is of one. `labels`: of any number, each with a probability of its own. `values`: a number each, as of a
   * regression.
   */
  readonly kind: 'classes' | 'labels' | 'values'
  /** Their names, by index. */
  readonly classes: readonly string[]
}

/** One number, as that of a reward model. */
export interface ScoreHead extends Pooled {
  readonly kind: 'score'
}

/** A head on a pooled vector. */
export type PooledHead = ClassesHead | ScoreHead

export type Head = { readonly kind: 'language' } | PooledHead

export const languageHead: Head = { kind: 'language' }

/** A head on a pooled vector, whose tensors are its own. */
export const isPooled = (head: Head): head is PooledHead => head.kind !== 'language'

/** A head whose numbers have names. */
export const isNamed = (head: Head): head is ClassesHead => 'classes' in head

/** Numbers that a pooled head gives. */
export const headOutputs = (head: PooledHead): number => (isNamed(head) ? head.classes.length : 1)
