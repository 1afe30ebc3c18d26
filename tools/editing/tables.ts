/** @module */
import type { Column, Row } from './means.ts'
import { COLUMNS, groupsOf, meanIn } from './means.ts'

/** A table in Markdown for each count of texts: a line a method, the means of its streams. */
export function tables(rows: readonly Row[]): string {
  const groups = groupsOf(rows)
  const counts = [...new Set(groups.map(({ texts }) => texts))].sort((a, b) => a - b)
  return counts
    .map((count) => {
      const lines = groups
        .filter(({ texts }) => texts === count)
        .map((group) => [
          group.label,
          ...columns.map((column) => {
            const range = column === 'retention' ? rangeOf(group.rows.map((row) => row[column])) : ''
            return FORMATS[column](meanIn(group, column)) + range
          }),
        ])
      const head = ['method', ...columns.map((column) => COLUMNS[column])]
      const rule = head.map((_, i) => (i === 0 ? '---' : '--:'))
      return `### After ${count} text${count === 1 ? '' : 's'}\n\n${[head, rule, ...lines].map(line).join('')}\n`
    })
    .join('')
}

const columns = Object.keys(COLUMNS) as Column[]

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`

/** With a minus sign where there is something to take it of. */
const digits = (count: number) => (value: number) => {
  const text = value.toFixed(count)
  return text.replace('-', Number(text) === 0 ? '' : '−')
}

const share = (value: number): string => `${(100 * value).toFixed(0)} %`

/** Far from 1 in few digits. */
const ratio = (value: number): string => value.toFixed(value < 100 ? 3 : 0)

const FORMATS: Readonly<Record<Column, (value: number) => string>> = {
  efficacy: digits(2),
  retention: digits(2),
  first_ten: digits(2),
  exact: share,
  rouge: digits(3),
  paraphrase_nats: digits(2),
  paraphrase_rouge: digits(3),
  neighbours_kept: share,
  neighbours_nats: digits(2),
  neighbours_kl: digits(4),
  perplexity_ratio: ratio,
  distance: digits(2),
  seconds_per_text: digits(3),
}

/** The least and the most of several. */
const rangeOf = (values: readonly number[]): string =>
  values.length === 1 ? '' : ` (${digits(2)(Math.min(...values))} … ${digits(2)(Math.max(...values))})`
