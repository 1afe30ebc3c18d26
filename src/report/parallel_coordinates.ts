/**
 * A sweep as a picture: an axis for each key and one for the metric, a line for each run (Inselberg: The plane with parallel
 * coordinates, 1985).
 * @module
 */
import { parse, scale, View } from 'vega'
import type { TopLevelSpec } from 'vega-lite'
import { compile } from 'vega-lite'

import { UserError } from '../errors.ts'
import { isBetter } from '../learning/listeners.ts'
import { fromBest } from '../runs/sweep/compare.ts'
import type { Scale } from '../runs/sweep/folder.ts'
import type { SweptRun } from '../runs/sweep/go.ts'
import { valueLabel } from '../runs/sweep/names.ts'
import { metricName } from './sweep_table.ts'

const INK = '#444444'
const AXIS = '#999999'
const FAILED = '#b0b0b0'
/** The share of the distance between two listed values over which the lines through one spread. */
const SPREAD = 0.5

/** A place on an axis, from 0 at the foot to 1 at the head. */
interface Tick {
  readonly at: number
  readonly label: string
}

interface DrawnAxis {
  readonly title: string
  readonly ticks: readonly Tick[]
  /** Where each run crosses it; undefined where it does not. */
  readonly crossings: readonly (number | undefined)[]
}

/**
 * Draws runs, the better the darker, and the best one above all. The axis of the metric has its better end at the top. A run that
 * failed is dashed and ends before it.
 *
 * @returns an SVG document
 * @throws UserError where there is nothing to draw
 */
export async function parallelCoordinates(
  given: readonly SweptRun[],
  scales: Readonly<Record<string, Scale>>,
  title: string,
): Promise<string> {
  if (given.length === 0) throw new UserError(`${title} has nothing to draw yet; let a run come to its end`)
  const runs = fromBest(given)
  const axes = [...Object.entries(scales).map(([key, scale]) => keyAxis(key, scale, runs)), metricAxis(runs)]
  const goodness = axes.at(-1)!.crossings
  const longest = Math.max(...axes.map(({ title }) => title.length))
  const step = Math.max(Math.min(220, 900 / axes.length), 30 + 8.5 * longest)
  const lines = runs.flatMap((run, rank) =>
    axes.flatMap(({ crossings }, axis) => {
      const at = crossings[rank]
      return at === undefined
        ? []
        : [{ run: rank, axis, at, good: goodness[rank] ?? 0, failed: run.error !== null }]
    }),
  )
  const ticks = axes.flatMap((axis, i) => axis.ticks.map((tick) => ({ ...tick, axis: i })))
  const x = {
    field: 'axis',
    type: 'quantitative' as const,
    scale: { domain: [0, axes.length - 1], nice: false },
    axis: null,
  }
  const y = { field: 'at', type: 'quantitative' as const, scale: { domain: [0, 1] }, axis: null }
  const line = (strokeWidth: number, opacity: number) => ({
    type: 'line' as const,
    interpolate: 'monotone' as const,
    ...{ strokeWidth, opacity, strokeJoin: 'round' as const },
  })
  const of = (rows: typeof lines) => ({
    data: { values: [...rows].reverse() },
    encoding: { x, y, detail: { field: 'run', type: 'nominal' as const } },
  })
  const coloured = {
    field: 'good',
    type: 'quantitative' as const,
    scale: {
      domain: [0, 1],
      range: ['#c9dfb0', '#5bb59a', '#2382a4', '#1d4e89', '#1b1f5a'],
      interpolate: 'lab' as const,
    },
    legend: null,
  }
  const sound = of(lines.filter(({ failed }) => !failed))
  const failed = of(lines.filter((line) => line.failed))
  const best = of(lines.filter((line) => line.run === 0 && !line.failed))
  const spec: TopLevelSpec = {
    title: { text: title, subtitle: subtitleOf(runs), anchor: 'start', offset: 36 },
    background: 'white',
    padding: 20,
    width: step * (axes.length - 1),
    height: 320,
    layer: [
      { ...failed, mark: { ...line(1.5, 0.8), color: FAILED, strokeDash: [4, 4] } },
      { ...sound, mark: line(1.8, 0.75), encoding: { ...sound.encoding, color: coloured } },
      { ...best, mark: line(4, 1), encoding: { ...best.encoding, color: coloured } },
      {
        data: { values: axes.map((_, axis) => ({ axis, at: 0, to: 1 })) },
        mark: { type: 'rule', color: AXIS, strokeWidth: 1 },
        encoding: { x, y, y2: { field: 'to' } },
      },
      {
        data: { values: ticks },
        mark: { type: 'tick', orient: 'horizontal', color: AXIS, size: 7, thickness: 1 },
        encoding: { x, y },
      },
      ...[true, false].flatMap((first) => {
        const of = { data: { values: ticks.filter(({ axis }) => (axis === 0) === first) } }
        const text = {
          ...{ type: 'text' as const, baseline: 'middle' as const, fontSize: 11, limit: step - 14 },
          ...(first ? { align: 'right' as const, dx: -8 } : { align: 'left' as const, dx: 8 }),
        }
        const encoding = { x, y, text: { field: 'label', type: 'nominal' as const } }
        // What lies behind a label is covered, so that lines do not cross it out.
        const halo = { stroke: 'white', strokeWidth: 4, strokeJoin: 'round' as const, color: 'white' }
        return [
          { ...of, mark: { ...text, ...halo }, encoding },
          { ...of, mark: { ...text, color: INK }, encoding },
        ]
      }),
      {
        data: { values: axes.map(({ title }, axis) => ({ axis, at: 1, title })) },
        mark: {
          type: 'text',
          align: 'center',
          dy: -18,
          fontSize: 12,
          fontWeight: 600,
          color: INK,
          limit: step,
        },
        encoding: { x, y, text: { field: 'title', type: 'nominal' } },
      },
    ],
    config: {
      font: 'Helvetica, Arial, sans-serif',
      title: { color: INK, fontSize: 15, fontWeight: 600, subtitleColor: INK, subtitleFontSize: 12 },
      view: { stroke: null },
    },
  }
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()
}

function subtitleOf(runs: readonly SweptRun[]): string {
  const failed = runs.filter(({ error }) => error !== null).length
  const [best] = runs
  const count = `${runs.length} run${runs.length === 1 ? '' : 's'}${failed > 0 ? `, ${failed} failed (dashed)` : ''}`
  if (!best || best.best_metric === null) return count
  const values = Object.entries(best.values).map(([key, value]) => `${key}=${valueLabel(value)}`)
  return `${count}; best ${metricName(best)} ${best.best_metric.toFixed(4)} with ${values.join(' ')}`
}

/** What of vega's scales is used; it has no types for them. */
interface Placing {
  (value: number): number
  domain(ends: readonly [number, number]): Placing
  range(ends: readonly [number, number]): Placing
  ticks(count: number): readonly number[]
}

function keyAxis(key: string, kind: Scale, runs: readonly SweptRun[]): DrawnAxis {
  const values = runs.map((run) => run.values[key])
  if (kind === 'list') return listedAxis(key, values)
  const numbers = values.map((value) => (typeof value === 'number' ? value : undefined))
  return { title: key, ...numericAxis(numbers, kind === 'log') }
}

/** The listed values, numbers in their order; lines through the same one stand beside each other, the best at the top. */
function listedAxis(title: string, values: readonly unknown[]): DrawnAxis {
  const labels = values.map(valueLabel)
  const distinct = [...new Map(labels.map((label, i) => [label, values[i]]))]
  const ordered = distinct.every(([, value]) => typeof value === 'number')
    ? distinct.sort(([, a], [, b]) => (a as number) - (b as number))
    : distinct.sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
  const gap = 1 / ordered.length
  const ticks = ordered.map(([label], i) => ({ label, at: (i + 0.5) * gap }))
  const places = new Map(ticks.map(({ label, at }) => [label, at]))
  const counts = new Map<string, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  const seen = new Map<string, number>()
  const crossings = labels.map((label) => {
    const [before, count] = [seen.get(label) ?? 0, counts.get(label)!]
    seen.set(label, before + 1)
    return places.get(label)! + (count < 2 ? 0 : (0.5 - before / (count - 1)) * gap * SPREAD)
  })
  return { title, ticks, crossings }
}

function metricAxis(runs: readonly SweptRun[]): DrawnAxis {
  const { ticks, crossings } = numericAxis(
    runs.map(({ best_metric }) => best_metric ?? undefined),
    false,
  )
  const title = metricName(runs[0]!)
  if (isBetter(runs[0]!.metric, 1, 0)) return { title, ticks, crossings }
  return {
    title,
    ticks: ticks.map(({ at, label }) => ({ at: 1 - at, label })),
    crossings: crossings.map((at) => (at === undefined ? undefined : 1 - at)),
  }
}

function numericAxis(numbers: readonly (number | undefined)[], log: boolean): Omit<DrawnAxis, 'title'> {
  const found = numbers.filter((number) => number !== undefined)
  const [low, high] = [Math.min(...found), Math.max(...found)]
  if (found.length === 0) return { ticks: [], crossings: numbers }
  if (low === high)
    return {
      ticks: [{ at: 0.5, label: valueLabel(low) }],
      crossings: numbers.map((n) => (n === undefined ? n : 0.5)),
    }
  const place = (scale(log ? 'log' : 'linear') as () => Placing)().domain([low, high]).range([0, 1])
  const ticks = place
    .ticks(5)
    .filter((value) => !log || isRound(value, high / low))
    .map((value) => ({ at: place(value), label: valueLabel(value) }))
  return {
    ticks,
    crossings: numbers.map((number) => (number === undefined ? undefined : place(number))),
  }
}

/** Of an axis of logarithms: 1, 2 and 5 of each power of ten, or the powers alone where these are many. */
function isRound(value: number, ratio: number): boolean {
  const digit = Number(value.toExponential()[0])
  return digit === 1 || ratio < 10 || (ratio < 1000 && [2, 5].includes(digit))
}
