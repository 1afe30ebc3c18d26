/**
 * Heads in files and in words.
 * @module
 */
import { z } from 'zod'

import { poolings } from '../../graphs/layers/pooling.ts'
import type { Head } from '../../graphs/models/head.ts'
import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'

/** Longest name of a class, and longest list of classes, that are believed. */
const LONGEST_CLASS = 200
const MOST_CLASSES = 10_000
export const className = z.string().min(1).max(LONGEST_CLASS)

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

/** @throws UserError where the classes of a new head could not be read again */
export function checkClasses(classes: readonly string[]): void {
  if (classes.length > MOST_CLASSES)
    throw new UserError(
      `the data has ${classes.length} classes, and a classifier has ${MOST_CLASSES} at most; is the column of the class an identifier?`,
    )
  const odd = classes.find((name) => !className.safeParse(name).success)
  if (odd !== undefined)
    throw new UserError(
      `the class ${quote(odd)} has ${odd.length} characters, and the name of a class has 1 to ${LONGEST_CLASS}; is it a text? Name the column of the class`,
    )
}

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
