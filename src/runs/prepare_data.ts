/**
 * A run's data: its sources, through their templates and the model's tokenizer, into one Arrow file per split.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'

import { factsOf } from '../../graphs/models/family.ts'
import type { PrepareReport } from '../data/sets/prepare.ts'
import { checkTokenizer } from '../data/examples/bert_sequence.ts'
import type { Source } from '../data/sets/prepare.ts'
import { prepare } from '../data/sets/prepare.ts'
import { templateOfFirstRow } from '../data/sources/source_rows.ts'
import type { DataKindName } from '../data/kinds/index.ts'
import type { TemplateSource } from '../data/templates/template_source.ts'
import { UserError } from '../errors.ts'
import { quote } from '../quote.ts'
import { fileAt } from '../formats/disk_file.ts'
import { hasTokenizer } from '../formats/tokenizer_files.ts'
import { diskFiles } from '../formats/disk_files.ts'
import { loadTokenizer } from '../formats/load_tokenizer.ts'
import { taskNamed } from '../tasks/index.ts'
import { preferOwn, withChatTemplate } from './chat_template.ts'
import type { RunConfig } from './config.ts'
import { readTaskModel } from './check_config.ts'
import { AS_LEARNED, evaluatedOn } from './evaluated_on.ts'

const sourceOf = ({ path, split, template, ...read }: RunConfig['data'][number], seed: number): Source => ({
  path,
  read,
  split: 'validation' in split ? { ...split, seed } : split,
  template,
})

/**
 * The configuration with its templates filled in: detected from the columns where none is given, with the model's own chat template for
 * conversations where it has one. A source has one of its
 * own only where it differs from the configuration's, which is the first source's where none is given.
 *
 * @throws UserError for sources that cannot be read or are of no known form
 */
export async function resolveTemplates(
  config: RunConfig,
): Promise<RunConfig & { readonly template: TemplateSource }> {
  const templateOf = async (given: RunConfig['data'][number]) => {
    const { path, read, template = config.template } = sourceOf(given, config.seed)
    if (template) return withChatTemplate(template, config.model)
    const told = await templateOfFirstRow(fileAt(path), read, dataKind(config), config.odd_rows)
    return preferOwn(told, config.model)
  }
  const common = config.template
    ? await withChatTemplate(config.template, config.model)
    : await templateOf(config.data[0]!)
  const resolved = async (sources: RunConfig['data']) => {
    const placed: RunConfig['data'] = []
    for (const source of sources) {
      const template = await templateOf(source)
      placed.push({ ...source, template: isDeepStrictEqual(template, common) ? undefined : template })
    }
    return placed
  }
  const { data, eval_data } = config
  return {
    ...config,
    template: common,
    data: await resolved(data),
    eval_data: eval_data && (await resolved(eval_data)),
  }
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
  if (!(await hasTokenizer(diskFiles(tokenizerFolder)))) {
    throw new UserError(`${config.model} has no tokenizer.json beside it; add the model's tokenizer`)
  }
  checkTokenizer(
    await loadTokenizer(tokenizerFolder, config.model),
    await readTaskModel(config),
    config.model,
  )
  const sourcesOf = (data: RunConfig['data']) => data.map((source) => sourceOf(source, config.seed))
  const judged = evaluatedOn(config)
  const asLearned = isDeepStrictEqual(judged, evaluatedOn({ ...config, ...AS_LEARNED }))
  const report = await prepare({
    task: dataKind(config),
    sources: sourcesOf(config.data),
    template: config.template,
    classes: config.classes,
    tokenizerFolder,
    maxLength: await maxLengthOf(config),
    context: factsOf(await readTaskModel(config)).context,
    overlong: config.overlong,
    oddRows: config.odd_rows,
    filter: config.filter ?? undefined,
    evaluation: asLearned
      ? undefined
      : {
          sources: sourcesOf(judged.eval_data),
          filter: judged.eval_filter === true ? undefined : judged.eval_filter,
          maxLength: await maxLengthOf(config, 'eval_max_length'),
        },
    out,
    ...(onRows ? { onProgress: onRows } : {}),
  })
  for (const split of ['train', 'validation'] as const) {
    if (report.splits[split]?.examples) continue
    const own = split === 'validation' && !asLearned
    const sources = own ? judged.eval_data : config.data
    const drawn = sources.some(({ split: rule }) => 'validation' in rule && rule.validation > 0)
    const remedy = drawn
      ? 'there are too few rows that differ to draw some; add rows, or name the splits in a column (split: { column: … })'
      : `add a source of them (split: { all: ${split} }), ${split === 'train' ? 'or draw fewer of the rows there are' : 'or draw some of the rows there are (split: { validation: 0.1 })'}`
    const filter = own ? judged.eval_filter : (config.filter ?? true)
    throw new UserError(
      filter === true
        ? `the data has no ${split} examples; ${remedy}`
        : `the filter ${quote(filter)} leaves no ${split} examples; change it, or the split of the sources`,
    )
  }
  return report
}

const dataKind = ({ task }: RunConfig): DataKindName => taskNamed(task).learnsFrom

/** The longest example in tokens, of those that are learned from or evaluated on. Throws UserError where it exceeds the model's context. */
export async function maxLengthOf(
  config: RunConfig,
  key: 'max_length' | 'eval_max_length' = 'max_length',
): Promise<number> {
  const context = factsOf(await readTaskModel(config)).context
  const given = key === 'max_length' ? config.max_length : evaluatedOn(config).eval_max_length
  const maxLength = given === null || given === 'context' ? context : given
  if (maxLength <= context) return maxLength
  throw new UserError(`${key} ${maxLength} exceeds the model's context of ${context}; lower it`)
}
