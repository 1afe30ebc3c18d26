/** @module */
import type { PrepareReport } from '../data/sets/prepare.ts'
import type { SplitCounts } from '../data/sets/split_sets.ts'
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

/** Most classes that a table has a line for, and how many it names of more. */
const [MOST_LINES, NAMED] = [50, 20]

/** How many examples each class has in each split, and their share; of very many classes those with the most examples. */
export function classTable(splits: SplitCounts, classes: readonly string[]): string {
  const counted = Object.entries(splits)
  const share = (count: number, examples: number) => `${((100 * count) / Math.max(1, examples)).toFixed(1)} %`
  const of = (i: number) => counted.reduce((sum, [, { classCounts }]) => sum + (classCounts?.[i] ?? 0), 0)
  const all = [...classes.keys()]
  const listed =
    classes.length > MOST_LINES ? all.sort((a, b) => of(b) - of(a) || a - b).slice(0, NAMED) : all
  const others = classes.length - listed.length
  const table = textTable([
    ['class', ...counted.flatMap(([split]) => [split, 'share'])],
    ...listed.map((i) => [
      classes[i]!,
      ...counted.flatMap(([, { classCounts, examples }]) => {
        const count = classCounts?.[i] ?? 0
        return [whole(count), share(count, examples)]
      }),
    ]),
  ])
  return others > 0 ? `${table}and ${whole(others)} classes more, of fewer examples\n` : table
}
