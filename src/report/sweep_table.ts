/**
 * A sweep for the terminal: a row for each run, and over seeds one for each combination of the other keys.
 * @module
 */
import { textTable } from '../metrics/text_table.ts'
import { listNames, shortenSentence } from '../quote.ts'
import type { SeedGroup } from '../runs/sweep/compare.ts'
import { fromBest, overSeeds } from '../runs/sweep/compare.ts'
import type { EqualComparison, EqualGroup } from '../runs/sweep/equal.ts'
import type { MedianInterval } from '../metrics/bootstrap.ts'
import type { SweptRun } from '../runs/sweep/go.ts'
import { valueLabel } from '../runs/sweep/names.ts'

/** What stands where there is no number. */
const NONE = '–'

/** Tables of runs of one sweep, the best first; why runs failed stands below. */
export function sweepTable(runs: readonly SweptRun[]): string {
  if (runs.length === 0) return 'No run has come to its end yet.\n'
  return [seedTable(overSeeds(runs)), runTable(fromBest(runs)), failures(runs)].filter(Boolean).join('\n')
}

function runTable(runs: readonly SweptRun[]): string {
  const keys = Object.keys(runs[0]!.values)
  const figures = figuresOf(runs)
  return textTable([
    [
      '',
      ...keys,
      metricName(runs[0]!),
      'at step',
      'steps',
      'tokens',
      'seconds',
      ...figures.map(({ name }) => name),
    ],
    ...runs.map((run, i) => [
      run.error === null ? String(i + 1) : 'failed',
      ...keys.map((key) => valueLabel(run.values[key])),
      numberText(run.best_metric),
      run.best_step === null ? NONE : String(run.best_step),
      String(run.steps),
      run.tokens.toLocaleString('en'),
      run.seconds.toFixed(1),
      ...figures.map(({ split, figure }) => numberText(run.evaluated[split]?.[figure])),
    ]),
  ])
}

/** The first two figures of each split that some run's best checkpoint was judged on, but for the number of examples. */
function figuresOf(runs: readonly SweptRun[]) {
  const splits = new Map(runs.flatMap(({ evaluated }) => Object.entries(evaluated)))
  return [...splits].flatMap(([split, figures]) =>
    Object.keys(figures)
      .filter((figure) => figure !== 'examples')
      .slice(0, 2)
      .map((figure) => ({ split, figure, name: `${split} ${figure}` })),
  )
}

function seedTable(groups: readonly SeedGroup[]): string {
  const [first] = groups
  if (first === undefined || groups.every(({ finished, failed }) => finished + failed < 2)) return ''
  const keys = Object.keys(first.values)
  return textTable([
    ['', ...keys, `median ${metricName(first)}`, '95 % interval', 'seeds', 'failed'],
    ...groups.map(({ values, interval, finished, failed }, i) => [
      interval ? String(i + 1) : 'failed',
      ...keys.map((key) => valueLabel(values[key])),
      numberText(interval?.median),
      interval && finished > 1 ? `${numberText(interval.low)} to ${numberText(interval.high)}` : NONE,
      String(finished),
      String(failed),
    ]),
  ])
}

/** Each metric of groups of runs at equal tokens or seconds, beside the first group. */
export function equalTable({ by, at, metrics }: EqualComparison): string {
  const point = by === 'tokens' ? `${Math.round(at).toLocaleString('en')} tokens` : `${at.toFixed(1)} seconds`
  const first = metrics[0]?.groups[0]
  if (first === undefined) return ''
  const beside = Object.values(first.values).map(valueLabel).join(' ')
  const heading = [
    ...[`at ${point}`, ...Object.keys(first.values), 'median', '95 % interval'],
    ...[`beside ${beside || 'the first'}`, '95 % interval', 'runs'],
  ]
  const rows = metrics.flatMap(({ metric, groups }) =>
    groups.map((group, i) => [i === 0 ? metricName({ metric }) : '', ...groupCells(group)]),
  )
  return textTable([heading, ...rows])
}

const groupCells = ({ values, interval, difference, runs }: EqualGroup): string[] => [
  ...Object.values(values).map(valueLabel),
  ...intervalCells(interval, numberText),
  ...intervalCells(difference, signed),
  String(runs),
]

const intervalCells = (interval: MedianInterval | null, text: (value: number) => string): string[] =>
  interval ? [text(interval.median), `${text(interval.low)} to ${text(interval.high)}`] : ['', '']

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`

/** Each reason once, with the runs that it was given by. */
function failures(runs: readonly SweptRun[]): string {
  const reasons = new Map<string, string[]>()
  for (const { error, values } of runs)
    if (error !== null) {
      const names = Object.entries(values).map(([key, value]) => `${key}=${valueLabel(value)}`)
      reasons.set(error, [...(reasons.get(error) ?? []), names.join(' ')])
    }
  return [...reasons]
    .map(
      ([reason, names]) => `failed: ${listNames(names, 3)}\n  ${shortenSentence(reason.split('\n')[0]!)}\n`,
    )
    .join('')
}

export const metricName = ({ metric }: { readonly metric: string }): string =>
  metric.replace('eval_', '').replaceAll('_', ' ')

const numberText = (value: number | null | undefined): string => value?.toFixed(4) ?? NONE
