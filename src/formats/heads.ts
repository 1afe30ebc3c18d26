/**
 * Heads in files and in words.
 * @module
 */
import { z } from 'zod'

import { poolings } from '../../graphs/layers/pooling.ts'
import type { Head } from '../../graphs/models/head.ts'

/** Longest name of a class, and longest list of classes, that are believed. */
export const className = z.string().min(1).max(200)
const MOST_CLASSES = 10_000

const pooled = {
  pooling: z.enum(poolings),
  dropout: z.number().min(0).lt(1),
}

export const headSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('language') }),
  z.strictObject({
    kind: z.enum(['classes', 'labels', 'values']),
    classes: z.array(className).min(1).max(MOST_CLASSES),
    ...pooled,
  }),
  z.strictObject({ kind: z.literal('score'), ...pooled }),
])

interface HeadWords {
  /** What sentences call such a model. */
  readonly noun: string
  /** The command that uses it. */
  readonly command: string
  /** Whether its texts end in the end of text, which padding must not be taken for. */
  readonly readsEnd: boolean
  /** Whether a single number of its can be taken for a score. */
  readonly scores: boolean
}

/** What sentences say of models, by their heads. */
export const headWords: Readonly<Record<Head['kind'], HeadWords>> = {
  language: { noun: 'language model', command: 'ortune generate', readsEnd: true, scores: false },
  classes: { noun: 'classifier', command: 'ortune classify', readsEnd: false, scores: false },
  labels: { noun: 'multi-label classifier', command: 'ortune classify', readsEnd: false, scores: false },
  values: { noun: 'regression model', command: 'ortune classify', readsEnd: false, scores: true },
  score: { noun: 'reward model', command: 'ortune score', readsEnd: true, scores: true },
}
