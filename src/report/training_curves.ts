/**
 * How a run went, as a picture: the loss, and what else its task logs.
 * @module
 */
import { parse, View } from 'vega'
import type { TopLevelSpec } from 'vega-lite'
import { compile } from 'vega-lite'

import type { EvaluationRecord, StepRecord } from '../learning/progress.ts'

/** Points of a training curve; more are averaged in groups, so that the curve shows and not its noise. */
const POINTS = 200

/** One set of axes: its title, and the curves by the key that they have in the log. */
interface Panel {
  readonly title: string
  readonly curves: Readonly<Record<string, string>>
}

/** Those whose keys a log has are drawn. */
const PANELS: readonly Panel[] = [
  { title: 'loss (nats)', curves: { training: 'loss', validation: 'eval_loss' } },
  { title: 'accuracy', curves: { training: 'accuracy', validation: 'eval_accuracy' } },
  {
    title: 'pairs where the chosen answer gains more',
    curves: { training: 'rewards/accuracies', validation: 'eval_rewards/accuracies' },
  },
  {
    title: 'implicit reward of the answers',
    curves: { chosen: 'rewards/chosen', rejected: 'rewards/rejected' },
  },
  { title: 'mean reward', curves: { training: 'env/reward_mean', validation: 'eval_reward' } },
  {
    title: 'KL to the reference (nats per response)',
    curves: { training: 'objective/kl', validation: 'eval_kl' },
  },
  {
    title: 'tokens per response',
    curves: { training: 'tokens/responses_len_mean', validation: 'eval_length' },
  },
]

interface Point {
  readonly step: number
  readonly value: number
  readonly curve: string
}

/**
 * Draws the curves of a log over its steps, those of training averaged over neighbouring ones.
 *
 * @param records the lines of a run's `log.jsonl`
 * @returns an SVG document
 */
export async function trainingCurves(
  records: readonly (StepRecord | EvaluationRecord)[],
  title: string,
): Promise<string> {
  // What an evaluation of PPO has for a loss is another quantity than what the policy is trained by.
  const rewarded = records.some((record) => 'eval_reward' in record)
  const [loss, ...others] = PANELS
  const given = rewarded ? [{ title: 'loss', curves: { training: 'loss' } }, ...others] : [loss!, ...others]
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
