/** @module */
import type { Measures } from './measures.ts'
import type { MethodName } from './methods.ts'
import { METHOD_NAMES, methods } from './methods.ts'
import type { Taught } from './stream.ts'

export type Row = Taught & Measures

/** What is measured of a row, and what it is called. */
export const COLUMNS = {
  efficacy: 'just taught, nats',
  retention: 'all taught, nats',
  first_ten: 'first ten, nats',
  exact: 'word for word',
  rouge: 'ROUGE-L',
  paraphrase_nats: 'paraphrases, nats',
  paraphrase_rouge: 'paraphrases, ROUGE-L',
  neighbours_kept: 'neighbours kept',
  neighbours_nats: 'neighbours, Δ nats',
  neighbours_kl: 'neighbours, KL',
  perplexity_ratio: 'perplexity',
  distance: '‖ΔW‖',
  seconds_per_text: 's a text',
} as const satisfies Readonly<Record<Exclude<keyof Row, 'method' | 'strength' | 'seed' | 'texts'>, string>>
export type Column = keyof typeof COLUMNS

/** All streams of a method after so many texts. */
export interface Group {
  readonly method: string
  readonly label: string
  readonly texts: number
  readonly rows: readonly Row[]
}

/** In the order of the methods. */
export function groupsOf(rows: readonly Row[]): Group[] {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const key = `${row.method} ${row.texts}`
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return [...groups.values()]
    .map((rows) => {
      const { method, texts } = rows[0]!
      return { method, texts, rows, label: methods[method as MethodName].label }
    })
    .sort((a, b) => order(a) - order(b))
}

const order = ({ method }: Group): number => METHOD_NAMES.indexOf(method as MethodName)

/** Perplexity ratios have a geometric mean, so that one stream that went astray does not stand for all. */
export function meanIn({ rows }: Group, column: Column): number {
  const [to, from] = column === 'perplexity_ratio' ? [Math.log, Math.exp] : [Number, Number]
  return from(rows.reduce((sum, row) => sum + to(row[column]), 0) / rows.length)
}
