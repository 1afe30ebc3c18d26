/** @module */
import type { Head } from '../../graphs/models/head.ts'
import { languageHead } from '../../graphs/models/head.ts'
import type { RunConfig } from './config.ts'

type HeadOptions = Pick<RunConfig, 'pooling' | 'classifier_dropout'>

/** The head that a configuration describes. */
const heads: Readonly<Record<Head['kind'], (options: HeadOptions, classes: readonly string[]) => Head>> = {
  language: () => languageHead,
  classes: ({ pooling, classifier_dropout: dropout }, classes) => ({
    kind: 'classes',
    classes,
    pooling,
    dropout,
  }),
  score: ({ pooling, classifier_dropout: dropout }) => ({ kind: 'score', pooling, dropout }),
}

/** The head that a run is given. */
export const newHead = (kind: Head['kind'], options: HeadOptions, classes: readonly string[]): Head =>
  heads[kind](options, classes)
