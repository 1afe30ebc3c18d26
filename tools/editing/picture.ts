/**
 * What editing does as texts are taught one after the other, as a picture: a panel a measure, a line a method.
 * @module
 */
import { parse, View } from 'vega'
import type { TopLevelSpec } from 'vega-lite'
import { compile } from 'vega-lite'

import type { Column, Row } from './means.ts'
import { groupsOf, meanIn } from './means.ts'
import type { MethodName } from './methods.ts'
import { METHOD_NAMES, methods } from './methods.ts'

interface Panel {
  readonly column: Column
  readonly title: string
  /** What lies beyond is drawn at the edge. */
  readonly domain: readonly [number, number]
  /** Of a logarithmic axis: where it is labelled. */
  readonly ticks?: readonly number[]
}

const PANELS: readonly Panel[] = [
  { column: 'retention', title: 'nats gained on all texts so far', domain: [-20, 20] },
  { column: 'first_ten', title: 'nats gained on the first ten texts', domain: [-20, 20] },
  { column: 'rouge', title: 'ROUGE-L of free-running answers', domain: [0, 0.5] },
  { column: 'neighbours_kept', title: "share of neighbours' answers that stay", domain: [0, 1] },
  {
    column: 'perplexity_ratio',
    title: 'held-out perplexity, over what it was',
    domain: [0.8, 10],
    ticks: [0.8, 1, 1.5, 2, 3, 5, 10],
  },
  { column: 'distance', title: '‖ΔW‖', domain: [0.1, 1000], ticks: [0.1, 1, 10, 100, 1000] },
]

/** One colour a family of methods, told apart with red-green blindness too (Okabe and Ito 2008), and dashes within it. */
const [BLUE, ORANGE, GREEN, PINK, GREY, INK] = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#999999',
  '#444444',
]
const [SOLID, DASHED, DOTTED, BOTH] = [
  [1, 0],
  [7, 3],
  [2, 2],
  [7, 2, 2, 2],
]

const STROKES: Readonly<Record<MethodName, readonly [string, readonly number[]]>> = {
  nothing: [INK, DOTTED],
  consolidation: [BLUE, DASHED],
  consolidation_gentle: [BLUE, SOLID],
  own_part: [BLUE, DOTTED],
  constant: [GREY, SOLID],
  random: [GREY, DASHED],
  lora: [ORANGE, SOLID],
  plastic_published: [GREEN, SOLID],
  plastic_untraced: [GREEN, DASHED],
  plastic_reward: [GREEN, DOTTED],
  plastic_none: [GREEN, BOTH],
  plastic_alone: [ORANGE, DOTTED],
  distillation: [PINK, SOLID],
  in_prompt: [INK, DASHED],
}

/** @returns an SVG document */
export function picture(rows: readonly Row[]): Promise<string> {
  const groups = groupsOf(rows)
  const drawn = METHOD_NAMES.filter((name) => groups.some(({ method }) => method === name))
  const domain = drawn.map((name) => methods[name].label)
  const most = Math.max(...groups.map(({ texts }) => texts))
  const spec: TopLevelSpec = {
    background: 'white',
    padding: 16,
    columns: 2,
    spacing: 28,
    concat: PANELS.map(({ column, title, domain: [low, high], ticks }) => ({
      title: {
        text: title,
        anchor: 'start' as const,
        fontWeight: 'normal' as const,
        fontSize: 13,
        color: INK,
      },
      width: 380,
      height: 230,
      data: {
        values: groups.map((group) => ({
          method: group.label,
          texts: group.texts,
          value: Math.min(high, Math.max(low, meanIn(group, column))),
        })),
      },
      mark: { type: 'line' as const, strokeWidth: 2, clip: true, point: { size: 18, filled: true } },
      encoding: {
        x: {
          field: 'texts',
          type: 'quantitative' as const,
          title: 'texts taught one after the other',
          scale: { type: 'log' as const, domain: [1, Math.max(most, 2)], nice: false },
          axis: { grid: false, values: [1, 3, 10, 30, 100, 300, 1000] },
        },
        y: {
          field: 'value',
          type: 'quantitative' as const,
          title: null,
          scale: { domain: [low, high], nice: false, ...(ticks ? { type: 'log' as const } : {}) },
          ...(ticks ? { axis: { values: [...ticks] } } : {}),
        },
        color: {
          field: 'method',
          type: 'nominal' as const,
          title: null,
          scale: { domain, range: drawn.map((name) => STROKES[name][0]) },
        },
        strokeDash: {
          field: 'method',
          type: 'nominal' as const,
          title: null,
          scale: { domain, range: drawn.map((name) => [...STROKES[name][1]]) },
        },
      },
    })),
    config: {
      font: 'Helvetica, Arial, sans-serif',
      axis: {
        labelColor: INK,
        titleColor: INK,
        titleFontWeight: 'normal',
        gridColor: '#e4e4e4',
        labelFontSize: 11,
      },
      legend: {
        ...{ orient: 'bottom', columns: 4, labelColor: INK, labelFontSize: 12, labelLimit: 0 },
        ...{ symbolType: 'stroke', symbolSize: 900, symbolStrokeWidth: 2.5 },
      },
      view: { stroke: null },
    },
  }
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()
}
