/**
 * How a run went, as a picture: the loss, what else its task logs, the norm of the gradients and the learning rate.
 * @module
 */
import { parse, View } from 'vega'
import type { TopLevelSpec } from 'vega-lite'
import { compile } from 'vega-lite'

import type { Panel, Task } from '../tasks/task.ts'
import type { EvaluationRecord, StepRecord } from '../learning/listeners.ts'

type LogLine = StepRecord | EvaluationRecord

/** Points of a line of steps; more are averaged in groups of neighbours. */
const POINTS = 500

/** How many points the smooth line is a mean of, as a share of all. */
const WINDOW = 1 / 30

/** One colour for one thing, in all pictures; told apart with red-green blindness too (Okabe and Ito 2008). */
const COLOURS: Readonly<Record<string, string>> = {
  training: '#0072b2',
  validation: '#d55e00',
  'learning rate': '#777777',
}
/** Of what tasks draw beside, in the order in which it appears. */
const OTHERS = ['#009e73', '#cc79a7', '#56b4e9', '#e69f00'] as const
const INK = '#444444'
const FAINT = '#e4e4e4'

/** What is measured of single steps is drawn twice: as it is, faintly, and smoothed. */
interface Line {
  readonly curve: string
  readonly raw: readonly Point[]
  readonly smooth: readonly Point[]
  /** Evaluations, which are few and stand for themselves. */
  readonly marked: boolean
}

interface Point {
  readonly step: number
  readonly value: number
}

/** The loss, which every log has; whether evaluations have the same. */
const lossPanel = (comparable: boolean): Panel =>
  comparable
    ? { title: 'loss (nats)', curves: { training: 'loss', validation: 'eval_loss' } }
    : { title: 'loss', curves: { training: 'loss' } }

const STEPPING: readonly Panel[] = [
  { title: 'norm of the gradients, before clipping', curves: { training: 'grad_norm' } },
  { title: 'learning rate', curves: { 'learning rate': 'learning_rate' } },
]

/**
 * Draws the curves of a log over its steps. What steps measure is drawn faintly, with a smooth line over it; evaluations are
 * points, the one before training at step 0.
 *
 * @param records the lines of a run's `log.jsonl`
 * @param task what of it is drawn; curves whose keys the log has not are left out
 * @returns an SVG document
 */
export async function trainingCurves(
  records: readonly LogLine[],
  title: string,
  task: Pick<Task, 'curves' | 'comparableLoss'>,
): Promise<string> {
  const { curves = [], comparableLoss = true } = task
  const panels = [lossPanel(comparableLoss), ...curves, ...STEPPING]
    .map((panel) => ({
      title: panel.title,
      lines: Object.entries(panel.curves)
        .map(([curve, key]) => lineOf(records, curve, key))
        .filter(({ raw }) => raw.length > 0),
    }))
    .filter(({ lines }) => lines.length > 0)
  const names = new Set(panels.flatMap(({ lines }) => lines.map(({ curve }) => curve)))
  const others = [...names].filter((name) => !Object.hasOwn(COLOURS, name))
  const colours = new Map([
    ...Object.entries(COLOURS),
    ...others.map((name, i): [string, string] => [name, OTHERS[i % OTHERS.length]!]),
  ])
  const last = Math.max(1, ...records.map(({ step }) => step))
  const spec: TopLevelSpec = {
    title: { text: title, anchor: 'start', offset: 14 },
    background: 'white',
    padding: 16,
    columns: 2,
    spacing: 32,
    concat: panels.map(({ title, lines }) => panelSpec(title, lines, last, colours)),
    resolve: { scale: { color: 'independent' }, legend: { color: 'independent' } },
    config: {
      font: 'Helvetica, Arial, sans-serif',
      title: { color: INK, fontSize: 15, fontWeight: 600 },
      axis: {
        labelColor: INK,
        titleColor: INK,
        titleFontWeight: 'normal',
        domainColor: '#999999',
        tickColor: '#999999',
        gridColor: FAINT,
        labelFontSize: 11,
        labelFlush: false,
      },
      legend: {
        labelColor: INK,
        labelFontSize: 11,
        symbolStrokeWidth: 2.5,
        symbolType: 'stroke',
        symbolOpacity: 1,
      },
      view: { stroke: null },
    },
  }
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()
}

/** Small numbers as 2e-4. */
const SMALL = "datum.value === 0 ? '0' : format(datum.value, abs(datum.value) < 0.01 ? '.2~e' : '.4~g')"

function panelSpec(
  title: string,
  lines: readonly Line[],
  last: number,
  colours: ReadonlyMap<string, string>,
) {
  const names = lines.map(({ curve }) => curve)
  const rows = (points: (line: Line) => readonly Point[]) =>
    lines.flatMap((line) => points(line).map((point) => ({ ...point, curve: line.curve })))
  const least = Math.min(
    ...lines.flatMap(({ raw }) => raw.map(({ value }) => Math.abs(value)).filter((x) => x > 0)),
  )
  return {
    title: {
      text: title,
      anchor: 'start' as const,
      frame: 'group' as const,
      fontWeight: 'normal' as const,
      fontSize: 13,
      offset: 8,
    },
    width: 420,
    height: 210,
    layer: [
      {
        data: { values: rows(({ raw, marked }) => (marked ? [] : raw)) },
        mark: { type: 'line' as const, strokeWidth: 1, opacity: 0.25, clip: true },
      },
      {
        data: { values: rows(({ smooth }) => smooth) },
        mark: { type: 'line' as const, strokeWidth: 2, clip: true },
      },
      {
        data: { values: rows(({ raw, marked }) => (marked || raw.length === 1 ? raw : [])) },
        mark: { type: 'point' as const, filled: true, size: 36, opacity: 1 },
      },
    ],
    encoding: {
      x: {
        field: 'step',
        type: 'quantitative' as const,
        title: 'optimizer step',
        scale: { domain: [0, last], nice: false },
        axis: { tickCount: 6, tickMinStep: 1, format: last < 10_000 ? ',d' : '~s', grid: false },
      },
      y: {
        field: 'value',
        type: 'quantitative' as const,
        title: null,
        scale: { zero: title === 'learning rate', nice: true },
        axis: { tickCount: 5, labelExpr: least < 1e-2 ? SMALL : "format(datum.value, '.4~g')" },
      },
      color: {
        field: 'curve',
        type: 'nominal' as const,
        title: null,
        scale: { domain: names, range: names.map((name) => colours.get(name)!) },
        legend: { orient: 'top' as const, direction: 'horizontal' as const, offset: 4 },
      },
    },
  }
}

/** The values of a key: of evaluations each, of steps averaged in groups and smoothed. */
function lineOf(records: readonly LogLine[], curve: string, key: string): Line {
  const points = records.flatMap((record) => {
    const value = (record as Readonly<Record<string, unknown>>)[key]
    return typeof value === 'number' && Number.isFinite(value) ? [{ step: record.step, value }] : []
  })
  const marked = key.startsWith('eval_')
  if (marked) return { curve, raw: points, smooth: points, marked }
  const raw = averaged(points)
  return { curve, raw, smooth: key === 'learning_rate' ? raw : smoothed(raw), marked }
}

function averaged(points: readonly Point[]): readonly Point[] {
  const size = Math.max(1, Math.ceil(points.length / POINTS))
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const group = points.slice(i * size, (i + 1) * size)
    const value = group.reduce((sum, point) => sum + point.value, 0) / group.length
    return { step: group.at(-1)!.step, value }
  })
}

/** The mean with as many neighbours on either side, fewer towards the ends: it does not lag behind a curve that falls. */
export function smoothed(points: readonly Point[]): readonly Point[] {
  const most = Math.floor((points.length * WINDOW) / 2)
  return points.map(({ step }, i) => {
    const reach = Math.min(most, i, points.length - 1 - i)
    const near = points.slice(i - reach, i + reach + 1)
    return { step, value: near.reduce((sum, { value }) => sum + value, 0) / near.length }
  })
}
