/** What a model sees of a source of examples. @module */
import { z } from 'zod'

import type { DataSet, Row, TabModel, TaskName } from '../../src/web.ts'
import {
  blobFile,
  bytesInMemory,
  checkJson,
  detectTemplateOfRow,
  factsOf,
  isConversing,
  NO_LOSS,
  prepareInMemory,
  readArrowDataset,
  readRowsOf,
  taskNamed,
  tokenPieces,
  UserError,
} from '../../src/web.ts'
import { preferOwn, withJinja } from './late_jinja.ts'
import { loadKind } from './late_kinds.ts'
import { withNunjucks } from './late_nunjucks.ts'
import type { Examined, Source } from './workshop.ts'

/** Rows and examples that are shown. */
const SHOWN_ROWS = 8
const SHOWN_EXAMPLES = 6
const MOST_CELL = 400

/** Of those drawn, so that equal files are split alike. */
const SPLIT_SEED = 42
const VALIDATION = 0.1

/** The settings that are of the data, and the others. */
const dataSettings = z.looseObject({
  max_length: z.int().min(2).optional(),
  overlong: z.enum(['error', 'skip']).default('skip'),
  odd_rows: z.enum(['error', 'skip']).default('error'),
  template: z.looseObject({}).optional(),
})

export interface Prepared {
  readonly train: Uint8Array<ArrayBuffer>
  readonly validation: Uint8Array<ArrayBuffer>
  /** Those that are not of the data. */
  readonly settings: object
  readonly trainData: DataSet
  readonly validationData: DataSet
  readonly template: object
  readonly classes: readonly string[]
  readonly notes: readonly string[]
}

/** @throws UserError where the source is none, its rows tell no template and none is given, or leaves no examples to learn from or to judge by */
export async function prepareSource(
  { name, blob }: Source,
  task: TaskName,
  settings: object,
  { config, files, tokenizer }: TabModel,
  validation = VALIDATION,
): Promise<Prepared> {
  const { max_length, overlong, odd_rows, template, ...others } = checkJson(
    dataSettings,
    settings,
    'the settings',
  )
  const { context } = factsOf(config)
  const file = blobFile(blob, name)
  const first = await firstRow(file, name)
  const { learnsFrom } = taskNamed(task)
  await loadKind(learnsFrom)
  const told = template === undefined ? detectTemplateOfRow(first, learnsFrom) : undefined
  const ours = told && isConversing(told) ? await preferOwn(told, files) : told
  const given = ours ?? (await import('./row_templates.ts')).checkTemplate(template, first, learnsFrom, name)
  // A column of this name says it; else some are drawn.
  const split = 'split' in first ? { column: 'split' } : { validation, test: 0, seed: SPLIT_SEED }
  const {
    report,
    templates,
    files: written,
  } = await withJinja(() =>
    withNunjucks(() =>
      prepareInMemory({
        sources: [{ file, split }],
        template: given,
        task: learnsFrom,
        tokenizer,
        tokenizerFiles: files,
        maxLength: Math.min(max_length ?? context, context),
        context,
        overlong,
        oddRows: odd_rows,
      }),
    ),
  )
  const { train, validation: judged } = written
  if (!train || !judged)
    throw new UserError(
      `${name} has no ${train ? 'examples left to judge by' : 'examples to learn from'}; add rows, until a tenth of them is at least one`,
    )
  return {
    ...{ train, validation: judged, settings: { ...others, overlong } },
    trainData: readArrowDataset(bytesInMemory(name, train)),
    validationData: readArrowDataset(bytesInMemory(name, judged)),
    template: templates[0]!,
    classes: report.classes,
    notes: leftOut(report.splits.train ?? {}),
  }
}

const WHY: Readonly<Record<string, string>> = {
  empty: 'left out, with nothing to learn, as where a text is blank',
  overlong: 'left out, as their prompts fill max_length',
  tie: 'left out, as their two answers are the same',
  odd: 'left out, as they do not fit the template',
  truncated: 'cut to max_length',
}

const leftOut = (counts: object): string[] =>
  Object.entries(counts).flatMap(([reason, count]) =>
    WHY[reason] !== undefined && typeof count === 'number' && count > 0
      ? [`${count} ${count === 1 ? 'row was' : 'rows were'} ${WHY[reason]}`]
      : [],
  )

async function firstRow(file: ReturnType<typeof blobFile>, name: string): Promise<Row> {
  for await (const row of readRowsOf(file)) return row
  throw new UserError(`${name} has no rows; choose a file with some`)
}

/** @throws UserError as {@link prepareSource} does */
export async function examine(
  source: Source,
  task: TaskName,
  settings: object,
  model: TabModel,
): Promise<Examined> {
  const { trainData, validationData, template, classes, notes } = await prepareSource(
    source,
    task,
    settings,
    model,
  )
  const sample: Record<string, string>[] = []
  let rows = 0
  for await (const row of readRowsOf(blobFile(source.blob, source.name))) {
    if (rows++ < SHOWN_ROWS) sample.push(cells(row))
  }
  const { lengths, layout } = trainData
  return {
    ...{ rows, template, sample, classes, notes },
    columns: Object.keys(sample[0] ?? {}),
    examples: shownExamples(trainData, model),
    train: trainData.size / layout.rowsPerExample,
    validation: validationData.size / layout.rowsPerExample,
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    longest: lengths.reduce((longest, length) => Math.max(longest, length), 0),
  }
}

const cells = (row: Row): Record<string, string> =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      return [name, text.length > MOST_CELL ? `${text.slice(0, MOST_CELL)}…` : text]
    }),
  )

function shownExamples(data: DataSet, { tokenizer }: TabModel): Examined['examples'] {
  const perExample = data.layout.rowsPerExample
  const count = Math.min(data.size, SHOWN_EXAMPLES * perExample)
  return Array.from({ length: count }, (_, row) => {
    const example = data.row(row)
    const label = labelOf(data, row)
    // Of a class its label is no token.
    const labels = data.classes.length > 0 ? example.input_ids.map(() => NO_LOSS) : example.labels
    const pieces = tokenPieces(tokenizer, { ...example, labels })
    return { label, pieces: pieces.map(({ text, learned }) => ({ text, loss: learned })) }
  })
}

function labelOf(data: DataSet, row: number): string {
  if (data.classes.length > 0) return data.classes[data.row(row).labels[0]!] ?? ''
  if (data.layout.rowsPerExample === 2) return row % 2 === 0 ? 'chosen' : 'rejected'
  return ''
}
