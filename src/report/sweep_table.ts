/**
 * A sweep for the terminal: a row for each run, and over seeds one for each combination of the other keys.
 * @module
 */
import { textTable } from '../metrics/text_table.ts'
import { listNames, shortenSentence } from '../quote.ts'
import type { SeedGroup } from '../runs/sweep/compare.ts'
import { fromBest, overSeeds } from '../runs/sweep/compare.ts'
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
