/**
 * How a run went, as a picture: the loss, and what else its task logs.
 * @module
 */
import { parse, View } from 'vega'
import type { TopLevelSpec } from 'vega-lite'
import { compile } from 'vega-lite'

import type { Panel, Task } from '../tasks/task.ts'
import type { EvaluationRecord, StepRecord } from '../learning/listeners.ts'

/** Points of a training curve; more are averaged in groups, so that the curve shows and not its noise. */
const POINTS = 200

/** The loss, which every log has; whether evaluations have the same. */
const lossPanel = (comparable: boolean): Panel =>
  comparable
    ? { title: 'loss (nats)', curves: { training: 'loss', validation: 'eval_loss' } }
    : { title: 'loss', curves: { training: 'loss' } }

interface Point {
  readonly step: number
  readonly value: number
  readonly curve: string
}

/**
 * Draws the curves of a log over its steps, those of training averaged over neighbouring ones.
 *
 * @param records the lines of a run's `log.jsonl`
 * @param task what of it is drawn; curves whose keys the log has not are left out
 * @returns an SVG document
 */
export async function trainingCurves(
  records: readonly (StepRecord | EvaluationRecord)[],
  title: string,
  task: Pick<Task, 'curves' | 'comparableLoss'>,
): Promise<string> {
  const { curves = [], comparableLoss = true } = task
  const given = [lossPanel(comparableLoss), ...curves]
  const panels = given
    .map((panel) => ({
      title: panel.title,
      points: Object.entries(panel.curves).flatMap(([curve, key]) => pointsOf(records, key, curve)),
    }))
    .filter(({ points }) => points.length > 0)
  const width = panels.length > 1 ? 400 : 560
  const spec: TopLevelSpec = {
    title,
    background: 'white',
    columns: 2,
    concat: panels.map(({ title, points }) => panelSpec(title, points, width)),
    resolve: { scale: { color: 'independent' } },
  }
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()
}

function panelSpec(title: string, values: readonly Point[], width: number) {
  return {
    title: { text: title, fontWeight: 'normal' as const },
    width,
    height: width / 2,
    data: { values: [...values] },
    layer: [
      { mark: { type: 'line' as const, strokeWidth: 1.5 } },
      {
        transform: [{ filter: "datum.curve === 'validation'" }],
        mark: { type: 'point' as const, filled: true, size: 40 },
      },
    ],
    encoding: {
      x: { field: 'step', type: 'quantitative' as const, title: 'optimizer step' },
      y: { field: 'value', type: 'quantitative' as const, title: null, scale: { zero: false } },
      color: { field: 'curve', type: 'nominal' as const, title: null },
    },
  }
}

/** The values of a key; of steps, whose curve may be long, averaged in groups. */
function pointsOf(
  records: readonly (StepRecord | EvaluationRecord)[],
  key: string,
  curve: string,
): readonly Point[] {
  const points = records.flatMap((record) => {
    const value = (record as Readonly<Record<string, unknown>>)[key]
    return typeof value === 'number' ? [{ step: record.step, value, curve }] : []
  })
  return curve === 'validation' ? points : averaged(points)
}

function averaged(points: readonly Point[]): readonly Point[] {
  const size = Math.max(1, Math.ceil(points.length / POINTS))
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const group = points.slice(i * size, (i + 1) * size)
    const value = group.reduce((sum, point) => sum + point.value, 0) / group.length
    return { ...group.at(-1)!, value }
  })
}
