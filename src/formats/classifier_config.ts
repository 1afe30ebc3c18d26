/**
 * What a classifier's `config.json` says about its head, under the keys of transformers' `…ForSequenceClassification`.
 * @module
 */
import { join } from 'node:path'
import { z } from 'zod'

import { poolings } from '../../graphs/layers/pooling.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { familyOf } from '../../graphs/models/family.ts'
import type { ClassesHead, Head, PooledHead } from '../../graphs/models/head.ts'
import { isNamed, languageHead } from '../../graphs/models/head.ts'
import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import { allFormats, formatOf } from './families/family.ts'
import { className } from './heads.ts'
import { readModelConfig } from './model_config.ts'
import { exists, readJson } from './read_file.ts'
import { readSafetensorsHeader } from './safetensors.ts'
import { checkJson } from '../schema.ts'

/** transformers' names of what a head's numbers mean. */
const PROBLEMS = ['single_label_classification', 'multi_label_classification', 'regression'] as const
type Problem = (typeof PROBLEMS)[number]

const count = z.int().min(1).max(10_000)

const schema = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  id2label: z.record(z.string(), z.union([className, z.number().transform(String)])).nullish(),
  label2id: z.record(className, z.int()).nullish(),
  num_labels: count.nullish(),
  problem_type: z.enum(PROBLEMS).nullish(),
  ortune_pooling: z.enum(poolings).default('last'),
})

/** What `config.json` says of a head on a pooled vector. */
export function classifierConfig(config: ModelConfig, head: PooledHead): Record<string, unknown> {
  const classes = classNames(head)
  return {
    id2label: Object.fromEntries(classes.map((name, index) => [index, name])),
    label2id: Object.fromEntries(classes.map((name, index) => [name, index])),
    problem_type: PROBLEM_OF[head.kind],
    ...formatOf(config).pooledHead(config, head),
  }
}

/** The one class that a reward model's configuration names; its logit is the score. */
const SCORE_CLASS = 'reward'

/** Of a single logit transformers' pipeline takes the sigmoid unless it is a regression's. */
const PROBLEM_OF: Readonly<Record<PooledHead['kind'], Problem>> = {
  classes: 'single_label_classification',
  labels: 'multi_label_classification',
  values: 'regression',
  score: 'regression',
}

/** The classes that a configuration names. */
export const classNames = (head: PooledHead): readonly string[] =>
  isNamed(head) ? head.classes : [SCORE_CLASS]

/**
 * Reads what a model folder says about its head. As many classes as the head has rows; those without a name are `LABEL_<i>`, as
 * transformers calls them.
 *
 * @throws UserError where it is one and names classes that it does not have
 */
export async function readHead(folder: string): Promise<Head> {
  const path = join(folder, 'config.json')
  const said = checkJson(schema, await readJson(path), path)
  const known = allFormats.flatMap(({ classifiers }) => classifiers)
  if (!known.some((name) => said.architectures?.includes(name))) return languageHead
  const config = await readModelConfig(path)
  const names = await namesOf(said, path, folder, config)
  checkNames(names, path)
  const pooled = { pooling: said.ortune_pooling, dropout: 0 }
  const problem = said.problem_type ?? 'single_label_classification'
  return names.length === 1 && MEANS_SCORE[problem](names[0]!)
    ? { kind: 'score', ...pooled }
    : { kind: KIND_OF[problem], classes: names, ...pooled }
}

/** The names of the classes: where the configuration does not number them 0, 1, …, as many as the head has rows. */
async function namesOf(
  said: z.infer<typeof schema>,
  path: string,
  folder: string,
  config: ModelConfig,
): Promise<string[]> {
  const named = namesById(said)
  const ids = [...named.keys()].sort((a, b) => a - b)
  if (ids.length > 0 && ids.every((id, i) => id === i)) return ids.map((id) => named.get(id)!)
  const outputs = (await headRows(folder, config)) ?? said.num_labels ?? DEFAULT_LABELS
  const stray = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < outputs))
  if (stray !== undefined)
    throw new UserError(
      `${path}: id2label must name the classes "0" to "${outputs - 1}", and names "${stray}"; correct the file`,
    )
  return Array.from({ length: outputs }, (_, id) => named.get(id) ?? `LABEL_${id}`)
}

/** Answers are told by their names, so that of two classes of one name only one could be. */
function checkNames(names: readonly string[], path: string): void {
  const second = names.findIndex((name, id) => names.indexOf(name) !== id)
  if (second < 0) return
  const name = names[second]!
  throw new UserError(
    `${path}: the classes ${names.indexOf(name)} and ${second} are both called ${quote(name)}; give each a name of its own in id2label`,
  )
}

/** As many has a classifier of transformers that says nothing. */
const DEFAULT_LABELS = 2

const KIND_OF: Readonly<Record<Problem, ClassesHead['kind']>> = {
  single_label_classification: 'classes',
  multi_label_classification: 'labels',
  regression: 'values',
}

/** Whether a single number, of the class of that name, is a reward model's score; ours call theirs so. */
const MEANS_SCORE: Readonly<Record<Problem, (name: string) => boolean>> = {
  single_label_classification: () => true,
  multi_label_classification: () => false,
  regression: (name) => name === SCORE_CLASS,
}

/** `id2label`, or where it is missing `label2id` turned round. */
function namesById({ id2label, label2id }: z.infer<typeof schema>): Map<number, string> {
  if (id2label) return new Map(Object.entries(id2label).map(([id, name]) => [Number(id), name]))
  return new Map(Object.entries(label2id ?? {}).map(([name, id]) => [id, name]))
}

/** Rows of the head's weight, where it lies in one file with the others. */
async function headRows(folder: string, config: ModelConfig): Promise<number | undefined> {
  const weights = join(folder, 'model.safetensors')
  if (!(await exists(weights))) return undefined
  const { tensors } = await readSafetensorsHeader(weights)
  return tensors.get(familyOf(config).pooledHead().weight)?.shape[0]
}
