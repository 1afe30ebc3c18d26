/** @module */
import type { Head } from '../../graphs/models/head.ts'
import { languageHead } from '../../graphs/models/head.ts'
import { checkClasses } from '../formats/heads.ts'
import type { RunConfig } from './config.ts'

type HeadOptions = Pick<RunConfig, 'pooling' | 'classifier_dropout'>

/**
 * The head that a run is given.
 *
 * @throws UserError where the classes are too many, or one's name is too long
 */
export function newHead(
  kind: Head['kind'],
  { pooling, classifier_dropout: dropout }: HeadOptions,
  classes: readonly string[],
): Head {
  if (kind === 'language') return languageHead
  const pooled = { pooling, dropout }
  if (kind === 'score') return { kind, ...pooled }
  checkClasses(classes)
  return { kind, classes, ...pooled }
}
