/** @module */
import type { Head } from '../../graphs/models/head.ts'
import { languageHead } from '../../graphs/models/head.ts'
import type { RunConfig } from './config.ts'

type HeadOptions = Pick<RunConfig, 'pooling' | 'classifier_dropout'>

/** The head that a run is given. */
export function newHead(
  kind: Head['kind'],
  { pooling, classifier_dropout: dropout }: HeadOptions,
  classes: readonly string[],
): Head {
  if (kind === 'language') return languageHead
  const pooled = { pooling, dropout }
  return kind === 'score' ? { kind, ...pooled } : { kind, classes, ...pooled }
}
