/**
 * What a model answers with: the next token, a class, or a score.
 * @module
 */
import type { Pooling } from '../layers/pooling.ts'

interface PooledHead {
  /** How hidden states become one vector; a BERT has a pooled output of its own. */
  readonly pooling: Pooling
  /** Probability of dropping a pooled feature while training. */
  readonly dropout: number
}

export interface ClassesHead extends PooledHead {
  readonly kind: 'classes'
  /** Their names, by index. */
  readonly classes: readonly string[]
}

/** One number, as that of a reward model. */
export interface ScoreHead extends PooledHead {
  readonly kind: 'score'
}

export type Head = { readonly kind: 'language' } | ClassesHead | ScoreHead

export const languageHead: Head = { kind: 'language' }

/** The head that a list of classes stands for, as configuration files have it: of a single one it gives the score. */
export const headOfClasses = (classes: readonly string[], pooled: PooledHead): ClassesHead | ScoreHead =>
  classes.length === 1 ? { kind: 'score', ...pooled } : { kind: 'classes', classes, ...pooled }

/** A head on a pooled vector, whose tensors are its own. */
export const isPooled = (head: Head): head is ClassesHead | ScoreHead => head.kind !== 'language'

/** Numbers that a pooled head gives. */
export const headOutputs = (head: ClassesHead | ScoreHead): number =>
  head.kind === 'classes' ? head.classes.length : 1
