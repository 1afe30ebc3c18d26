/**
 * What a kind of data must bring. `index.ts` is a total record of them; nothing else asks of which kind data is.
 * @module
 */
import type { Tokenizer } from '../../text/tokenizer.ts'
import type { Encoded, EncodeOptions } from '../examples/encode.ts'
import type { Row } from '../row.ts'
import type { Layout } from '../sets/layouts.ts'
import type { StratumOf } from '../sets/split_sources.ts'
import type { Form, MessageForm } from '../templates/form.ts'
import type { TemplateSource, WritingTemplate } from '../templates/template_source.ts'

/** What the columns of a file hold, by the look of them. */
export interface LikelyColumns {
  /** Columns of text and their mean lengths in characters, in the order of the file. */
  readonly texts: readonly { readonly name: string; readonly length: number }[]
  /** The column of what may be classes. */
  readonly label: string | undefined
}

/** @typeParam T its templates */
export interface DataKind<T extends TemplateSource = TemplateSource> {
  /** What a template of it has; completes "give …". */
  readonly wanted: string
  /** Whether a template gives examples of it. */
  readonly fits: (template: TemplateSource) => template is T
  /** The forms that columns tell; the first that fits is taken. */
  readonly forms: readonly Form[]
  /** Those that columns of messages tell, which come before. */
  readonly messageForms: readonly MessageForm[]
  /** Its place, from 0, where a row has the columns of several kinds: rows of pairs and labels have texts, too. */
  readonly precedence: number
  /** A template guessed from what columns hold, where none of the forms tells it. */
  guess?(columns: LikelyColumns): T | undefined
  /** How its rows lie in a data set. */
  readonly layout: Layout
  /** Whether every row is of a class. */
  readonly classified: boolean
  /** Whether its labels are no more than an answer to compare with, of which nothing is learned. */
  readonly prompts?: true
  /** What of a row each drawn split is to have its share of, such as the class; none where rows are alike. */
  stratum?(template: T, tokenizer: Tokenizer): StratumOf
  /** Compiles a template. Throws UserError where it is malformed. */
  encoder(tokenizer: Tokenizer, template: T, options: EncoderOptions): RowEncoder
  /** The same template as one of what a model writes; undefined where it writes nothing. */
  writing(template: T): WritingTemplate | undefined
}

export interface EncoderOptions extends EncodeOptions {
  /** Names of the classes, where rows are of one. */
  readonly classes: readonly string[]
}

/** Encodes a row: at least one result, of which some may say that the row is left out. `where` names the row in errors. */
export type RowEncoder = (row: Row, where: string) => readonly Encoded[]

/** A row's examples; where there is none, it is left out as empty. */
export const orEmpty = (encoded: readonly Encoded[]): readonly Encoded[] =>
  encoded.length > 0 ? encoded : [{ leftOut: 'empty' }]
