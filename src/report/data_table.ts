/** @module */
import type { PrepareReport } from '../data/sets/prepare.ts'
import type { SplitCounts } from '../data/sets/split_files.ts'
import { textTable } from '../metrics/text_table.ts'

const whole = (n: number): string => n.toLocaleString('en')

/** What examples are: pairs of answers, or prompts to answer. */
export type ExampleForm = Partial<Pick<PrepareReport, 'pairs' | 'prompts'>>

export const exampleNoun = ({ pairs, prompts }: ExampleForm): string =>
  pairs ? 'pairs' : prompts ? 'prompts' : 'examples'

/** Examples, pairs of answers or prompts, tokens and percentiles of their lengths, a line per split. */
export function dataTable(splits: SplitCounts, form: ExampleForm = {}): string {
  const all = Object.values(splits)
  const labelled = all.some(({ classCounts }) => classCounts === undefined)
  const judged = all.some(({ desirable }) => desirable !== undefined)
  const withLoss = form.prompts ? 'of references' : 'with loss'
  const heading = [
    '',
    exampleNoun(form),
    'desirable',
    'tokens',
    withLoss,
    'truncated',
    'skipped',
    'length p50',
    'p90',
    'p99',
    'max',
  ]
  const rows = Object.entries(splits).map(([split, counts]) => {
    const { examples, desirable = 0, tokens, labelledTokens, truncated, skipped, lengths } = counts
    const { p50, p90, p99, p100 } = lengths
    const numbers = [examples, desirable, tokens, labelledTokens, truncated, skipped, p50, p90, p99, p100]
    return [split, ...numbers.map(whole)]
  })
  // A class carries the loss, and no token does.
  const left = [...(judged ? [] : ['desirable']), ...(labelled ? [] : [withLoss])]
  return textTable(
    [heading, ...rows].map((row) => row.filter((_, column) => !left.includes(heading[column]!))),
  )
}

/** How many examples each class has in each split, and their share. */
export function classTable(splits: SplitCounts, classes: readonly string[]): string {
  const counted = Object.entries(splits)
  const share = (count: number, examples: number) => `${((100 * count) / Math.max(1, examples)).toFixed(1)} %`
  return textTable([
    ['class', ...counted.flatMap(([split]) => [split, 'share'])],
    ...classes.map((name, i) => [
      name,
      ...counted.flatMap(([, { classCounts, examples }]) => {
        const count = classCounts?.[i] ?? 0
        return [whole(count), share(count, examples)]
      }),
    ]),
  ])
}
