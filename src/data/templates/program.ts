/**
 * What renders a text of a template: columns_program.ts where it writes columns and nothing else, as most do, and
 * nunjucks_program.ts else. Which of them makes no difference to what is rendered.
 * @module
 */
/**
 * The row itself, for columns whose names are none of a template's: `row["Review Text"]`. A column of this name comes before.
 */
export const ROW = 'row'

/** The columns that a template needs. */
export interface Columns {
  /** Those it reads by their names. */
  readonly named: readonly string[]
  /** Those it looks up in the row. */
  readonly ofRow: readonly string[]
  /** Whether it looks one up, be it needed or not. */
  readonly readsRow: boolean
}

export interface Program extends Columns {
  /** Renders columns, which has all that are needed. Throws where it fails, takes too long or makes too much. */
  run(columns: Readonly<Record<string, unknown>>): string
}
