/**
 * ortune's encoded data sets: an Apache Arrow IPC *file* ("Feather V2") with the columns `input_ids` and `labels`, both
 * list<int32>, and the facts below as schema metadata. Of pairs, the preferred answer's row is followed by the other's, and
 * both have the pair's margin in a column `margin`, list<float32> of one value; of unpaired answers a column `desirable` like it
 * has 1 or 0. pyarrow and Hugging Face `datasets` open it
 * as it is: checked by tools/fixtures/verify_arrow.py with pyarrow 26.0.1 and datasets 5.2.0 on 134,559 rows in 132 record
 * batches (2,925,520 tokens), on the splits of data/dictionary.csv, as texts to learn (15,219 rows in train) and as parts of
 * speech to tell (10,800), and on those of data/preferences.csv (8,000 pairs in train), every row equal in both.
 * Format: arrow.apache.org/docs/format/Columnar.html#ipc-file-format
 * @module
 */
import type { Footer } from './arrow_metadata.ts'
import type { Layout, RowFigure } from './layouts.ts'
import { layouts } from './layouts.ts'
import type { ListColumn } from './write_arrow_metadata.ts'

export const FORMAT_VERSION = 1

/** What a file begins and ends with. */
export const MAGIC = 'ARROW1'

export type ColumnName = 'input_ids' | 'labels' | RowFigure['name']

/** The columns of a data set: list<int32>, and list<float32> of one value for what is kept beside. */
export const columnsOf = ({ figure }: Layout): readonly (ListColumn & { readonly name: ColumnName })[] => [
  { name: 'input_ids', item: 'int32' },
  { name: 'labels', item: 'int32' },
  ...(figure ? [{ name: figure.name, item: 'float32' as const }] : []),
]

/** What a data set says about itself. */
export interface ArrowFacts {
  /** SHA-256 over everything the rows depend on: source bytes, template, tokenizer, options. */
  readonly fingerprint: string
  /** All token ids are below it. */
  readonly vocabularySize: number
  /** No row has more tokens. */
  readonly maxLength: number
  /** Names of the classes that the labels are indices of, one label a row; none where labels are tokens. */
  readonly classes: readonly string[]
  /** Which rows belong together, and what is kept with each. */
  readonly layout: Layout
}

const METADATA_KEYS = {
  version: 'ortune.format_version',
  fingerprint: 'ortune.fingerprint',
  vocabularySize: 'ortune.vocabulary_size',
  maxLength: 'ortune.max_length',
  classes: 'ortune.classes',
} as const

/** The facts as a file's footer has them. */
export function metadataOf({ fingerprint, vocabularySize, maxLength, classes, layout }: ArrowFacts) {
  return new Map<string, string>([
    [METADATA_KEYS.version, String(FORMAT_VERSION)],
    [METADATA_KEYS.fingerprint, fingerprint],
    [METADATA_KEYS.vocabularySize, String(vocabularySize)],
    [METADATA_KEYS.maxLength, String(maxLength)],
    [METADATA_KEYS.classes, JSON.stringify(classes)],
    ...(layout.mark === undefined ? [] : [[layout.mark, 'true'] as const]),
  ])
}

/** Reads the facts back from a file's footer. Throws Error with what is amiss. */
export function factsOf({ columns, metadata }: Footer): ArrowFacts {
  const layout = layoutOf(metadata)
  const wanted = columnsOf(layout).map(({ name, item }) => `${name}: list<${item}>`)
  if (columns.join() !== wanted.join()) {
    throw new Error(`its columns are ${columns.join(', ') || 'none'}`)
  }
  const version = metadata.get(METADATA_KEYS.version)
  if (version !== String(FORMAT_VERSION)) throw new Error(`its format version is ${version ?? 'missing'}`)
  const positive = (key: string): number => {
    const value = Number(metadata.get(key))
    if (!(Number.isSafeInteger(value) && value > 0)) throw new Error(`its metadata lacks ${key}`)
    return value
  }
  const classes = parseClasses(metadata.get(METADATA_KEYS.classes) ?? '[]')
  if (layout.figure && classes.length > 0) throw new Error(`it has both ${layout.noun} and classes`)
  return {
    fingerprint: metadata.get(METADATA_KEYS.fingerprint) ?? '',
    vocabularySize: positive(METADATA_KEYS.vocabularySize),
    maxLength: positive(METADATA_KEYS.maxLength),
    classes,
    layout,
  }
}

/** The layout whose mark the metadata has. */
const layoutOf = (metadata: Footer['metadata']): Layout =>
  Object.values<Layout>(layouts).find(({ mark }) => mark !== undefined && metadata.get(mark) === 'true') ??
  layouts.single

/** Class names from JSON: none, or at least two different ones. */
function parseClasses(json: string): string[] {
  let classes: unknown
  try {
    classes = JSON.parse(json)
  } catch {
    classes = undefined
  }
  const isText = (name: unknown): name is string => typeof name === 'string' && name !== ''
  if (!Array.isArray(classes) || !classes.every(isText)) throw new Error('its classes are no list of names')
  if (classes.length > 0 && new Set(classes).size < Math.max(2, classes.length)) {
    throw new Error(`its ${classes.length} classes are not different ones`)
  }
  return classes
}
