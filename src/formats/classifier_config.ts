/**
 * What a classifier's `config.json` says about its head, under the keys of transformers' `GPT2ForSequenceClassification`.
 * That model always pools the last token. Where ours pools the mean, the architecture has a name that transformers does not
 * know, so that it refuses the model instead of answering something else; `ortune_pooling` says what it does.
 * @module
 */
import { join } from 'node:path'
import { z } from 'zod'

import type { Pooling } from '../../graphs/layers/pooling.ts'
import { poolings } from '../../graphs/layers/pooling.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import { UserError } from '../errors.ts'
import { readJson } from './read_file.ts'
import { checkJson } from './schema.ts'

/** What a head answers, and what it looks at. */
export interface Classifier {
  /** Names of the classes, by index. */
  readonly classes: readonly string[]
  readonly pooling: Pooling
}

const ARCHITECTURE = 'GPT2ForSequenceClassification'
const MEAN_ARCHITECTURE = 'OrtuneGPT2MeanForSequenceClassification'
const MEAN_MODEL_TYPE = 'ortune_gpt2_mean'

const schema = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  id2label: z.record(z.string(), z.string().min(1).max(200)).optional(),
  ortune_pooling: z.enum(poolings).default('last'),
})

/** The keys of a classifier. transformers finds the last token as the last that is not the padding token. */
export const classifierConfig = (
  { eos_token_id }: Gpt2Config,
  { classes, pooling }: Classifier,
): Record<string, unknown> => ({
  ...(pooling === 'last'
    ? { architectures: [ARCHITECTURE] }
    : { architectures: [MEAN_ARCHITECTURE], model_type: MEAN_MODEL_TYPE }),
  id2label: Object.fromEntries(classes.map((name, index) => [index, name])),
  label2id: Object.fromEntries(classes.map((name, index) => [name, index])),
  pad_token_id: eos_token_id,
  problem_type: 'single_label_classification',
  ...(pooling === 'last' ? {} : { ortune_pooling: pooling }),
})

/**
 * Reads what a model folder says about its head.
 *
 * @returns undefined where the model is no classifier
 * @throws UserError where it is one and does not name its classes 0, 1, …
 */
export async function readClassifier(folder: string): Promise<Classifier | undefined> {
  const path = join(folder, 'config.json')
  const { architectures, id2label, ortune_pooling } = checkJson(schema, await readJson(path), path)
  if (![ARCHITECTURE, MEAN_ARCHITECTURE].some((name) => architectures?.includes(name))) return undefined
  const entries = Object.entries(id2label ?? {})
  const classes = entries.map((_, index) => id2label![String(index)])
  if (classes.length < 2 || !classes.every((name) => name !== undefined))
    throw new UserError(`${path}: id2label must name the classes "0", "1", …; correct the file`)
  return { classes, pooling: ortune_pooling }
}
