/**
 * What a classifier's `config.json` says about its head, under the keys of transformers' `GPT2ForSequenceClassification` and
 * `BertForSequenceClassification`. The first always pools the last token. Where ours pools the mean, the architecture has a
 * name that transformers does not know, so that it refuses the model instead of answering something else; `ortune_pooling`
 * says what it does.
 * @module
 */
import { join } from 'node:path'
import { z } from 'zod'

import { poolings } from '../../graphs/layers/pooling.ts'
import type { EncoderConfig } from '../../graphs/models/encoder.ts'
import { isBert } from '../../graphs/models/encoder.ts'
import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import type { ClassesHead, Head, ScoreHead } from '../../graphs/models/head.ts'
import { languageHead } from '../../graphs/models/head.ts'
import { UserError } from '../errors.ts'
import { readJson } from './read_file.ts'
import { checkJson } from './schema.ts'

const ARCHITECTURE = 'GPT2ForSequenceClassification'
const BERT_ARCHITECTURE = 'BertForSequenceClassification'
const MEAN_ARCHITECTURE = 'OrtuneGPT2MeanForSequenceClassification'
const MEAN_MODEL_TYPE = 'ortune_gpt2_mean'

const schema = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  id2label: z.record(z.string(), z.string().min(1).max(200)).optional(),
  ortune_pooling: z.enum(poolings).default('last'),
})

/** The keys of a classifier; a GPT-2 of transformers finds the last token as the last that is not the padding token. */
export function classifierConfig(
  config: EncoderConfig,
  head: ClassesHead | ScoreHead,
): Record<string, unknown> {
  const { pooling } = head
  const classes = classNames(head)
  const common = {
    id2label: Object.fromEntries(classes.map((name, index) => [index, name])),
    label2id: Object.fromEntries(classes.map((name, index) => [name, index])),
    problem_type: problem(head),
  }
  if (isBert(config)) return { ...common, architectures: [BERT_ARCHITECTURE] }
  const padded = { ...common, pad_token_id: paddingToken(config, head) }
  return pooling === 'last'
    ? { ...padded, architectures: [ARCHITECTURE] }
    : {
        ...padded,
        architectures: [MEAN_ARCHITECTURE],
        model_type: MEAN_MODEL_TYPE,
        ortune_pooling: pooling,
      }
}

/**
 * The token that transformers pads a GPT-2 classifier's texts with. A reward model's texts end in end of text, which would be
 * overlooked if it were that one; so a token is taken that they do not end in.
 */
export const paddingToken = ({ eos_token_id }: Gpt2Config, { kind }: Head): number | null =>
  kind === 'score' ? (eos_token_id === 0 ? 1 : 0) : eos_token_id

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
  if (![ARCHITECTURE, MEAN_ARCHITECTURE, BERT_ARCHITECTURE].some((name) => architectures?.includes(name)))
    return languageHead
  const entries = Object.entries(id2label ?? {})
  const classes = entries.map((_, index) => id2label![String(index)])
  if (classes.length === 0 || !classes.every((name) => name !== undefined))
    throw new UserError(`${path}: id2label must name the classes "0", "1", …; correct the file`)
  const pooled = { pooling: ortune_pooling, dropout: 0 }
  return classes.length === 1 ? { kind: 'score', ...pooled } : { kind: 'classes', classes, ...pooled }
}
