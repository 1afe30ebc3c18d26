/**
 * What a classifier's `config.json` says about its head, under the keys of transformers' `…ForSequenceClassification`.
 * @module
 */
import { join } from 'node:path'
import { z } from 'zod'

import { poolings } from '../../graphs/layers/pooling.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import type { ClassesHead, Head, ScoreHead } from '../../graphs/models/head.ts'
import { headOfClasses, languageHead } from '../../graphs/models/head.ts'
import { UserError } from '../errors.ts'
import { allFormats, formatOf } from './families/family.ts'
import { readJson } from './read_file.ts'
import { checkJson } from '../schema.ts'

const schema = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  id2label: z.record(z.string(), z.string().min(1).max(200)).optional(),
  ortune_pooling: z.enum(poolings).default('last'),
})

/** What `config.json` says of a head on a pooled vector. */
export function classifierConfig(
  config: ModelConfig,
  head: ClassesHead | ScoreHead,
): Record<string, unknown> {
  const classes = classNames(head)
  return {
    id2label: Object.fromEntries(classes.map((name, index) => [index, name])),
    label2id: Object.fromEntries(classes.map((name, index) => [name, index])),
    problem_type: problem(head),
    ...formatOf(config).pooledHead(config, head),
  }
}

/** The one class that a reward model's configuration names; its logit is the score. */
const SCORE_CLASS = 'reward'

/** Of a single logit transformers' pipeline takes the sigmoid unless it is a regression's. */
const problem = (head: ClassesHead | ScoreHead): string =>
  head.kind === 'score' ? 'regression' : 'single_label_classification'

/** The classes that a configuration names. */
export const classNames = (head: ClassesHead | ScoreHead): readonly string[] =>
  head.kind === 'score' ? [SCORE_CLASS] : head.classes

/**
 * Reads what a model folder says about its head.
 *
 * @throws UserError where it is one and does not name its classes 0, 1, …
 */
export async function readHead(folder: string): Promise<Head> {
  const path = join(folder, 'config.json')
  const { architectures, id2label, ortune_pooling } = checkJson(schema, await readJson(path), path)
  const known = allFormats.flatMap(({ classifiers }) => classifiers)
  if (!known.some((name) => architectures?.includes(name))) return languageHead
  const entries = Object.entries(id2label ?? {})
  const classes = entries.map((_, index) => id2label![String(index)])
  if (classes.length === 0 || !classes.every((name) => name !== undefined))
    throw new UserError(`${path}: id2label must name the classes "0", "1", …; correct the file`)
  return headOfClasses(classes, { pooling: ortune_pooling, dropout: 0 })
}
