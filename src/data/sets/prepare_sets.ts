/**
 * The whole way of the data: files → rows → template → tokens and labels → one Arrow file per split, wherever files lie and go.
 * Streams: memory does not grow with the sources, but for some bytes a row whose split is drawn.
 * @module
 */
import { UserError } from '../../errors.ts'
import { quote } from '../../quote.ts'
import type { Files } from '../../formats/files.ts'
import { BeyondModel } from '../../text/fit_tokenizer.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import { tokenizerFilesIn } from '../../formats/tokenizer_files.ts'
import { checkClasses, findClasses } from './classes.ts'
import { LEFT_OUT } from '../examples/encode.ts'
import type { OddRows } from '../examples/odd_rows.ts'
import { readTolerantly } from '../examples/odd_rows.ts'
import type { Encoded, LeftOut } from '../examples/encode.ts'
import type { DataKindName } from '../kinds/index.ts'
import { kindNamed } from '../kinds/index.ts'
import { fingerprint } from './fingerprint.ts'
import { compileCondition } from '../templates/condition.ts'
import { sourceRows, templateOfFirstRow } from '../sources/source_rows.ts'
import type { DataSource, Drawn } from '../sources/source_rows.ts'
import { createOverlap } from './overlap.ts'
import { createSplitSets } from './split_sets.ts'
import type { OpenSplit, SplitCounts } from './split_sets.ts'
import { splitSources } from './split_sources.ts'
import type { Split } from './splits.ts'
import { SPLITS, checkFractions } from './splits.ts'
import type { LabelTemplate, TemplateSource } from '../templates/template_source.ts'

export interface SetsOptions {
  readonly sources: readonly DataSource[]
  /** The kind of data: texts to learn (`sft`), the default, or another. */
  readonly task?: DataKindName
  /** For sources without one of their own; by default what the columns of a source tell. */
  readonly template?: TemplateSource | undefined
  /** Classification: the classes in order; by default those of the training data, sorted. */
  readonly classes?: readonly string[] | null
  readonly tokenizer: Tokenizer
  /** Where the tokenizer is read from, which the fingerprint tells. */
  readonly tokenizerFiles: Files
  /** Most tokens of an example, at most the model's context. */
  readonly maxLength: number
  /** What to do with a prompt that leaves no room for a completion; by default an error. */
  readonly overlong?: 'error' | 'skip'
  /** Most tokens that the model reads; errors then say whether `maxLength` can be raised. */
  readonly context?: number
  /** What to do with a row that does not fit its template; by default an error. */
  readonly oddRows?: OddRows
  /** Which rows give examples, as `compileCondition` takes it; by default all. Splits and classes are those of all rows. */
  readonly filter?: string | undefined
  /** What is evaluated on, where it is another: the rows of these that are not for training, in place of those of `sources`. */
  readonly evaluation?: Pick<SetsOptions, 'sources' | 'filter' | 'maxLength'> | undefined
  /** Called now and then with the rows read so far. */
  readonly onProgress?: (rows: number) => void
}

/** Data sets that are to be written: the sources have been read as far as it takes to draw splits and to find classes. */
export interface Preparation {
  /** Of each source, in order; detected where none is given. */
  readonly templates: readonly TemplateSource[]
  /**
   * Writes a file for each split that has examples.
   *
   * @throws UserError where a row is wrong, or no example is left; what is written then is not complete
   */
  readonly write: (open: OpenSplit) => Promise<PrepareReport>
}

export interface PrepareReport {
  readonly fingerprint: string
  /** Names of the classes, in the order of their indices; none where texts are learned. */
  readonly classes: readonly string[]
  /** Whether each example is a pair of answers. */
  readonly pairs: boolean
  /** Whether each is a prompt to answer; its labels are an answer to compare with then. */
  readonly prompts: boolean
  /** Of each split that has rows; a split with examples has a file, see {@link OpenSplit}. */
  readonly splits: SplitCounts
  /** How many examples of sources to evaluate on are learned from, too, token for token; absent without such sources. */
  readonly learnedFrom?: number
}

/** A row that could not be read. */
type Damage = Extract<Encoded, { readonly leftOut: LeftOut }>

type TemplatedSource<T extends TemplateSource = TemplateSource> = DataSource & { readonly template: T }

const PROGRESS_ROWS = 1000

/** The sources, each with its template, which must be of the task's kind. */
async function withTemplates({
  sources,
  template,
  task = 'sft',
  oddRows,
}: SetsOptions): Promise<TemplatedSource[]> {
  const templated: TemplatedSource[] = []
  for (const source of sources) {
    const { file, read } = source
    const own = source.template ?? template ?? (await templateOfFirstRow(file, read, task, oddRows))
    const { fits, wanted } = kindNamed(task)
    if (!fits(own))
      throw new UserError(`${file.name}: its template is not for the task ${task}; give ${wanted}`)
    templated.push({ ...source, template: own })
  }
  return templated
}

/** The classes as given or found; none where texts are learned. */
async function classesOf(
  sources: readonly TemplatedSource[],
  splits: readonly (Drawn | undefined)[],
  options: SetsOptions,
): Promise<readonly string[]> {
  const { task = 'sft', classes, oddRows = 'error' } = options
  if (!kindNamed(task).classified) {
    if (!classes) return []
    throw new UserError('classes are for the task classification; leave them out, or set the task')
  }
  if (!classes) return findClasses(sources as readonly TemplatedSource<LabelTemplate>[], splits, oddRows)
  checkClasses(classes)
  return classes
}

/** Sources as they are read, and the splits that are written of them. */
interface Part {
  readonly splits: readonly Split[]
  readonly sources: readonly TemplatedSource[]
  readonly drawn: readonly (Drawn | undefined)[]
  readonly classes: readonly string[]
  /** Its own sources, filter and lengths among them. */
  readonly options: SetsOptions
  readonly digest: string
}

/** Reads the sources as far as it takes to draw splits and find classes. */
async function openPart(
  options: SetsOptions,
  splits: readonly Split[],
  known?: readonly string[],
): Promise<Part> {
  const { task = 'sft', tokenizerFiles, maxLength, overlong = 'error', oddRows = 'error', filter } = options
  if (!(Number.isInteger(maxLength) && maxLength >= 2)) {
    throw new UserError(`the maximum length is ${maxLength}; it must be a whole number of at least 2 tokens`)
  }
  for (const { split } of options.sources) if ('seed' in split) checkFractions(split)
  const sources = await withTemplates(options)
  const drawn = await splitSources(
    sources,
    ({ template }) => {
      const stratum = kindNamed(task).stratum?.(template, options.tokenizer)
      return stratum && readTolerantly(stratum, oddRows, () => undefined)
    },
    oddRows,
  )
  const classes = known ?? (await classesOf(sources, drawn, options))
  const files = [
    ...sources.map(({ file }) => file),
    ...(await tokenizerFilesIn(tokenizerFiles)).map((name) => tokenizerFiles.file(name)),
  ]
  const rules = sources.map(({ read, split, template }) => [read ?? null, split, template])
  const rest = filter === undefined ? [] : [filter]
  const digest = await fingerprint(files, [task, rules, classes, maxLength, overlong, oddRows, ...rest])
  return { splits, sources, drawn, classes, options, digest }
}

/** Writes the data sets of a part and counts. */
async function writeSplits(
  open: OpenSplit,
  { splits, sources, drawn, classes, options, digest }: Part,
  each: (encoded: Encoded) => void,
): Promise<SplitCounts> {
  const { task = 'sft', tokenizer, maxLength, oddRows = 'error', filter, onProgress } = options
  const kind = kindNamed(task)
  const isWanted = filter === undefined ? () => true : compileCondition(filter)
  const { layout } = kind
  const facts = { fingerprint: digest, vocabularySize: tokenizer.vocabSize, maxLength, classes, layout }
  const sets = createSplitSets(open, facts, kind.prompts)
  let rows = 0
  let wanted = 0
  let ours = 0
  for (const [i, source] of sources.entries()) {
    const encoder = kind.encoder(tokenizer, source.template, { ...options, classes })
    const encode = readTolerantly(
      (row, where) => named(where, () => encoder(row, where)),
      oddRows,
      ({ message }) => [{ leftOut: 'odd' as const, reason: message }],
    )
    // What is damaged tells no split of its own.
    const splitOfDamage = 'all' in source.split ? source.split.all : 'train'
    let damaged: Damage[] = []
    const leave = ({ message }: Error) => void damaged.push({ leftOut: 'odd', reason: message })
    const addDamaged = async () => {
      if (splits.includes(splitOfDamage)) for (const damage of damaged) await sets.add(splitOfDamage, damage)
      damaged = []
    }
    for await (const { row, split, where } of sourceRows(source, drawn[i], oddRows, leave)) {
      await addDamaged()
      if (++rows % PROGRESS_ROWS === 0) onProgress?.(rows)
      if (!isWanted(row, where)) continue
      wanted++
      if (!splits.includes(split)) continue
      ours++
      for (const encoded of encode(row, where)) {
        each(encoded)
        await sets.add(split, encoded)
      }
    }
    await addDamaged()
  }
  onProgress?.(rows)
  const counts = await sets.finish()
  if (Object.values(counts).some(({ examples }) => examples > 0) || (wanted > 0 && ours === 0)) return counts
  const paths = sources.map(({ file }) => file.name).join(', ')
  if (rows > 0 && wanted === 0)
    throw new UserError(
      `${paths}: the filter ${quote(filter!)} holds for none of the ${rows} rows; change it, or leave it out`,
    )
  const found = rows === 0 ? 'there are no rows' : `${ours} rows were left out, ${reasonsOf(counts)}`
  throw new UserError(`${paths}: no example to learn from; ${found}; give rows with something to learn`)
}

/** Says of which row it is that a text has a token which the model has not. */
function named<T>(where: string, encode: () => T): T {
  try {
    return encode()
  } catch (error) {
    throw error instanceof BeyondModel ? new UserError(`${where}: ${error.message}`) : error
  }
}

/** Why rows are left out, and how many for each reason. */
function reasonsOf(counts: SplitCounts): string {
  const of = (reason: LeftOut) => Object.values(counts).reduce((sum, split) => sum + split[reason], 0)
  const reasons = {
    empty: 'with nothing to learn, as where a text is blank',
    overlong: 'with a prompt that fills max_length',
    tie: 'with two answers that are the same',
    odd: 'that do not fit their template',
  } as const satisfies Record<LeftOut, string>
  const found = LEFT_OUT.flatMap((reason) => (of(reason) > 0 ? `${of(reason)} ${reasons[reason]}` : []))
  const first = Object.values(counts).find(({ firstOdd }) => firstOdd !== undefined)?.firstOdd
  return [...found, ...(first === undefined ? [] : [`the first: ${first}`])].join(', ')
}

/**
 * Reads sources as far as it takes to draw splits and to find classes.
 *
 * @throws UserError where an option or a source is wrong
 */
export async function planSets(options: SetsOptions): Promise<Preparation> {
  const { task = 'sft', evaluation } = options
  const learned = await openPart(options, evaluation ? ['train'] : SPLITS)
  const { classes } = learned
  const judged =
    evaluation && (await openPart({ ...options, ...evaluation }, ['validation', 'test'], classes))
  const { layout, prompts = false } = kindNamed(task)
  return {
    templates: learned.sources.map(({ template }) => template),
    async write(open) {
      const overlap = createOverlap()
      const splits = {
        ...(await writeSplits(open, learned, judged ? overlap.learned : () => undefined)),
        ...(judged && (await writeSplits(open, judged, overlap.judged))),
      }
      const digest = judged ? await fingerprint([], [learned.digest, judged.digest]) : learned.digest
      return {
        ...{ fingerprint: digest, classes, pairs: layout.rowsPerExample === 2, prompts, splits },
        ...(judged ? { learnedFrom: overlap.count() } : {}),
      }
    },
  }
}
