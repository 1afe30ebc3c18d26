/**
 * How a run went, as a picture: the loss, what else its task logs, the norm of the gradients and the learning rate.
 * @module
 */
import { parse, View } from 'vega'
import type { TopLevelSpec } from 'vega-lite'
import { compile } from 'vega-lite'

import { UserError } from '../errors.ts'
import type { Panel } from '../tasks/task.ts'
import type { LogRecord } from '../learning/listeners.ts'
import type { Point } from './curve.ts'
import { curve } from './curve.ts'
import type { DrawnTask } from './panels.ts'
import { panelsOf, stepOf } from './panels.ts'
import { shortenSentence } from '../quote.ts'
import { visible } from '../visible_text.ts'

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

/** A part of a log that is drawn by itself, such as a stage of a curriculum; the records of the next one follow on it. */
export interface Part {
  readonly name: string
  readonly records: Iterable<LogRecord> | AsyncIterable<LogRecord>
}

/** What is measured of single steps is drawn twice: as it is, faintly, and smoothed. */
interface Line {
  readonly curve: string
  /** The number of its part. */
  readonly part: number
  readonly raw: readonly Point[]
  readonly smooth: readonly Point[]
  /** Evaluations, which are few and stand for themselves. */
  readonly marked: boolean
}

/**
 * Draws the curves of a log over its steps. What steps measure is drawn faintly, with a smooth line over it; evaluations are
 * points, the one before training at step 0.
 *
 * @param records the lines of a run's `log.jsonl`
 * @param task what of it is drawn; curves whose keys the log has not are left out
 * @returns an SVG document
 * @throws UserError where there is nothing to draw
 */
export const trainingCurves = (records: Part['records'], title: string, task: DrawnTask): Promise<string> =>
  stagedCurves([{ name: title, records }], title, task)

/** The same of several logs in a row: the steps of each follow those of the one before, and upright rules with names part them. */
export async function stagedCurves(parts: readonly Part[], title: string, task: DrawnTask): Promise<string> {
  const titles = panelsOf(task)
  const step = stepOf(task)
  const given = titles.map((panel) => ({ panel, lines: [] as Line[] }))
  const rules: Rule[] = []
  let last = 0
  for (const [part, { name, records }] of parts.entries()) {
    const from = last
    const drawn = titles.map((panel) =>
      Object.entries(panel.curves).map(([name, key]) => ({ name, key, ...curve() })),
    )
    const all = drawn.flat()
    for await (const record of records) {
      const step = from + record.step
      last = Math.max(last, step)
      for (const { key, add } of all) {
        const value = (record as LogRecord & Readonly<Record<string, unknown>>)[key]
        if (isDrawn(value)) add({ step, value })
      }
    }
    drawn.forEach((curves, i) =>
      given[i]!.lines.push(...curves.map(({ name, key, points }) => lineOf(name, key, part, points()))),
    )
    if (parts.length > 1) rules.push({ step: from, name })
  }
  last = Math.max(last, 1)
  const panels = given
    .map(({ panel, lines }) => ({ panel, lines: lines.filter(({ raw }) => raw.length > 0) }))
    .filter(({ lines }) => lines.length > 0)
  if (panels.length === 0) throw new UserError(`${title} has nothing to draw yet; train it for a step`)
  const names = new Set(panels.flatMap(({ lines }) => lines.map(({ curve }) => curve)))
  const others = [...names].filter((name) => !Object.hasOwn(COLOURS, name))
  const colours = new Map([
    ...Object.entries(COLOURS),
    ...others.map((name, i): [string, string] => [name, OTHERS[i % OTHERS.length]!]),
  ])
  const spec: TopLevelSpec = {
    title: { text: title, anchor: 'start', offset: 14 },
    background: 'white',
    padding: 16,
    columns: 2,
    spacing: 32,
    concat: panels.map(({ panel, lines }) => panelSpec(panel, lines, { title: step, last, rules }, colours)),
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

/** Ticks of the upright axis: it begins and ends at one, so that no curve leaves them. */
const TICKS = 5

/** Small numbers as 2e-4. */
const SMALL = "datum.value === 0 ? '0' : format(datum.value, abs(datum.value) < 0.01 ? '.2~e' : '.4~g')"

/** Where a part begins. */
interface Rule {
  readonly step: number
  readonly name: string
}

interface StepAxis {
  readonly title: string
  readonly last: number
  readonly rules: readonly Rule[]
}

/** Of an axis on which small and large numbers can be told: logarithms, but for what is nearly 0. */
function decades(lines: readonly Line[]) {
  const most = Math.max(...lines.flatMap(({ raw }) => raw.map(({ value }) => value)), NEARLY_ZERO)
  const count = Math.ceil(Math.log10(most / NEARLY_ZERO))
  const values = [0, ...Array.from({ length: count + 1 }, (_, i) => NEARLY_ZERO * 10 ** i)]
  return {
    scale: { type: 'symlog' as const, constant: NEARLY_ZERO, domain: [0, values.at(-1)!] },
    axis: { values, labelExpr: "format(datum.value, '.4~g')" },
  }
}

const NEARLY_ZERO = 1e-3

function panelSpec(
  { title, decades: inDecades = false }: Panel,
  lines: readonly Line[],
  { title: step, last, rules }: StepAxis,
  colours: ReadonlyMap<string, string>,
) {
  const names = [...new Set(lines.map(({ curve }) => curve))]
  const rows = (points: (line: Line) => readonly Point[]) =>
    lines.flatMap((line) => points(line).map((point) => ({ ...point, curve: line.curve, part: line.part })))
  const least = Math.min(
    ...lines.flatMap(({ raw }) => raw.map(({ value }) => Math.abs(value)).filter((x) => x > 0)),
  )
  const encoding = {
    y: {
      field: 'value',
      type: 'quantitative' as const,
      title: null,
      ...(inDecades
        ? decades(lines)
        : {
            scale: { zero: title === 'learning rate', nice: TICKS },
            axis: { tickCount: TICKS, labelExpr: least < 1e-2 ? SMALL : "format(datum.value, '.4~g')" },
          }),
    },
    detail: { field: 'part' },
    color: {
      field: 'curve',
      type: 'nominal' as const,
      title: null,
      scale: { domain: names, range: names.map((name) => colours.get(name)!) },
      legend: {
        ...{ orient: 'top' as const, direction: 'horizontal' as const },
        offset: rowsOf(rules, last) > 0 ? 6 + ROW * rowsOf(rules, last) : 4,
      },
    },
  }
  return {
    title: {
      text: title,
      anchor: 'start' as const,
      frame: 'group' as const,
      fontWeight: 'normal' as const,
      fontSize: 13,
      offset: 8,
    },
    width: WIDTH,
    height: HEIGHT,
    layer: [
      ...ruleLayers(rules, last),
      {
        encoding,
        data: { values: rows(({ raw, marked }) => (marked ? [] : raw)) },
        mark: { type: 'line' as const, strokeWidth: 1, opacity: 0.25, clip: true },
      },
      {
        encoding,
        data: { values: rows(({ smooth }) => smooth) },
        mark: { type: 'line' as const, strokeWidth: 2, clip: true },
      },
      {
        encoding,
        data: { values: rows(({ raw, marked }) => (marked || raw.length === 1 ? raw : [])) },
        mark: { type: 'point' as const, filled: true, size: 36, opacity: 1 },
      },
    ],
    encoding: {
      x: {
        field: 'step',
        type: 'quantitative' as const,
        title: step,
        scale: { domain: [0, last], nice: false },
        axis: { tickCount: 6, tickMinStep: 1, format: last < 10_000 ? ',d' : '~s', grid: false },
      },
    },
  }
}

/** Of a panel's axes, in pixels. */
const [WIDTH, HEIGHT] = [420, 210]

/** The name of a part above its rule. */
interface PlacedName extends Rule {
  /** From 0, which is next to the axes. */
  readonly row: number
  /** The side of the rule that it begins or ends at. */
  readonly align: 'left' | 'right'
}

/** Pixels of a row of names, and of a letter of theirs, at most on average; letters of a name. */
const [ROW, LETTER, LONGEST] = [12, 5.6, 36]

/**
 * Names in as few rows as hold them without one over another, beyond the axes, or over the rule of a later part, which reaches up to
 * its own name: from the last one on, each in the lowest row that it may have.
 */
export function placedNames(rules: readonly Rule[], last: number): readonly PlacedName[] {
  const taken: { at: number; from: number; to: number; row: number }[] = []
  const placed = [...rules].reverse().map(({ step, name }): PlacedName => {
    const text = shortenSentence(visible(name), LONGEST)
    const at = (step / last) * WIDTH
    const width = LETTER * text.length
    const align = at + width > WIDTH ? 'right' : 'left'
    const [from, to] = align === 'left' ? [at, at + width] : [at - width, at]
    const meets = (row: number) =>
      taken.some(
        (other) =>
          (other.row === row && from < other.to + LETTER && other.from < to + LETTER) ||
          (other.row >= row && from < other.at && other.at < to + LETTER),
      )
    let row = 0
    while (meets(row)) row++
    taken.push({ at, from, to, row })
    return { step, name: text, row, align }
  })
  return placed.reverse()
}

const rowsOf = (rules: readonly Rule[], last: number): number =>
  Math.max(0, ...placedNames(rules, last).map(({ row }) => row + 1))

/** Upright rules where parts begin, with their names above them. */
function ruleLayers(rules: readonly Rule[], last: number) {
  const names = placedNames(rules, last)
  return names.flatMap(({ step, name, row, align }) => [
    {
      data: { values: [{ step }] },
      // Up to its name.
      mark: { type: 'rule' as const, color: '#999999', strokeDash: [3, 3], y: -ROW * row, y2: HEIGHT },
    },
    {
      data: { values: [{ step, name }] },
      mark: {
        ...{ type: 'text' as const, color: INK, fontSize: 10, align, baseline: 'bottom' as const },
        ...{ dx: align === 'left' ? -1 : 1, dy: -4 - ROW * row },
        y: 0,
      },
      encoding: { text: { field: 'name', type: 'nominal' as const } },
    },
  ])
}

/** A number that a picture has room for. */
const isDrawn = (value: unknown): value is number => typeof value === 'number' && Math.abs(value) < 1e100

/** Evaluations are points, steps are smoothed. */
function lineOf(curve: string, key: string, part: number, raw: readonly Point[]): Line {
  const marked = key.startsWith('eval_')
  return { curve, part, raw, smooth: marked || key === 'learning_rate' ? raw : smoothed(raw), marked }
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
