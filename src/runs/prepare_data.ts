/**
 * A run's data: its sources, through their templates and the model's tokenizer, into one Arrow file per split.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'

import { factsOf } from '../../graphs/models/family.ts'
import type { PrepareReport } from '../data/sets/prepare.ts'
import { checkTokenizer } from '../data/examples/bert_sequence.ts'
import { prepare } from '../data/sets/prepare.ts'
import { templateOfFirstRow } from '../data/sources/source_rows.ts'
import type { Source } from '../data/sources/source_rows.ts'
import type { DataKindName } from '../data/kinds/index.ts'
import type { TemplateSource } from '../data/templates/template_source.ts'
import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import { hasTokenizer } from '../formats/tokenizer_files.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { taskNamed } from '../tasks/index.ts'
import type { RunConfig } from './config.ts'
import { readTaskModel } from './check_config.ts'

const sourceOf = ({ path, split, template, ...read }: RunConfig['data'][number], seed: number): Source => ({
  path,
  read,
  split: 'validation' in split ? { ...split, seed } : split,
  template,
})

/**
 * The configuration with its templates filled in: detected from the columns where none is given. A source has one of its
 * own only where it differs from the configuration's, which is the first source's where none is given.
 *
 * @throws UserError for sources that cannot be read or are of no known form
 */
export async function resolveTemplates(
  config: RunConfig,
): Promise<RunConfig & { readonly template: TemplateSource }> {
  const templates: TemplateSource[] = []
  for (const source of config.data) {
    const { path, read, template = config.template } = sourceOf(source, config.seed)
    templates.push(template ?? (await templateOfFirstRow(path, read, dataKind(config), config.odd_rows)))
  }
  const common = config.template ?? templates[0]!
  const data = config.data.map((source, i) => {
    return { ...source, template: isDeepStrictEqual(templates[i], common) ? undefined : templates[i] }
  })
  return { ...config, template: common, data }
}

/**
 * Prepares the data for training in the folder `out`.
 *
 * @param tokenizerFolder where the model's tokenizer lies
 * @throws UserError for sources, templates and lengths that do not work, or where a split to learn from is empty
 */
export async function prepareData(
  config: RunConfig,
  tokenizerFolder: string,
  out: string,
  onRows?: (rows: number) => void,
): Promise<PrepareReport> {
  if (!(await hasTokenizer(tokenizerFolder))) {
    throw new UserError(`${config.model} has no tokenizer.json beside it; add the model's tokenizer`)
  }
  checkTokenizer(
    await loadTokenizer(tokenizerFolder, config.model),
    await readTaskModel(config),
    config.model,
  )
  const report = await prepare({
    task: dataKind(config),
    sources: config.data.map((source) => sourceOf(source, config.seed)),
    template: config.template,
    classes: config.classes,
    tokenizerFolder,
    maxLength: await maxLengthOf(config),
    context: factsOf(await readTaskModel(config)).context,
    overlong: config.overlong,
    oddRows: config.odd_rows,
    filter: config.filter ?? undefined,
    out,
    ...(onRows ? { onProgress: onRows } : {}),
  })
  for (const split of ['train', 'validation'] as const) {
    if (report.splits[split]?.examples) continue
    const drawn = config.data.some(({ split: rule }) => 'validation' in rule && rule.validation > 0)
    const remedy = drawn
      ? 'there are too few rows that differ to draw some; add rows, or name the splits in a column (split: { column: … })'
      : `add a source of them (split: { all: ${split} }), ${split === 'train' ? 'or draw fewer of the rows there are' : 'or draw some of the rows there are (split: { validation: 0.1 })'}`
    const { filter } = config
    throw new UserError(
      filter === null
        ? `the data has no ${split} examples; ${remedy}`
        : `the filter ${quote(filter)} leaves no ${split} examples; change it, or the split of the sources`,
    )
  }
  return report
}

const dataKind = ({ task }: RunConfig): DataKindName => taskNamed(task).learnsFrom

/** The longest example in tokens. Throws UserError where it exceeds the model's context. */
export async function maxLengthOf(config: RunConfig): Promise<number> {
  const context = factsOf(await readTaskModel(config)).context
  const maxLength = config.max_length ?? context
  if (maxLength <= context) return maxLength
  throw new UserError(`max_length ${maxLength} exceeds the model's context of ${context}; lower it`)
}
