/**
 * The loss of a run as a picture.
 * @module
 */
import { parse, View } from 'vega'
import type { TopLevelSpec } from 'vega-lite'
import { compile } from 'vega-lite'

import type { EvaluationRecord, StepRecord } from '../training/progress.ts'

/** Points of the training curve; more are averaged in groups, so that the curve shows and not its noise. */
const POINTS = 200

/**
 * Draws training loss (averaged over neighbouring steps) and validation loss over the steps.
 *
 * @param records the lines of a run's `log.jsonl`
 * @returns an SVG document
 */
export async function lossCurve(
  records: readonly (StepRecord | EvaluationRecord)[],
  title: string,
): Promise<string> {
  const steps = records.filter((record): record is StepRecord => 'loss' in record)
  const evaluations = records.filter((record): record is EvaluationRecord => 'eval_loss' in record)
  const values = [
    ...averaged(steps),
    ...evaluations.map(({ step, eval_loss }) => ({ step, loss: eval_loss, curve: 'validation' })),
  ]
  const spec: TopLevelSpec = {
    title,
    width: 560,
    height: 280,
    background: 'white',
    data: { values },
    layer: [
      { mark: { type: 'line', strokeWidth: 1.5 } },
      {
        transform: [{ filter: "datum.curve === 'validation'" }],
        mark: { type: 'point', filled: true, size: 40 },
      },
    ],
    encoding: {
      x: { field: 'step', type: 'quantitative', title: 'optimizer step' },
      y: { field: 'loss', type: 'quantitative', title: 'loss (nats)', scale: { zero: false } },
      color: { field: 'curve', type: 'nominal', title: null },
    },
  }
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()
}

function averaged(steps: readonly StepRecord[]): { step: number; loss: number; curve: string }[] {
  const size = Math.max(1, Math.ceil(steps.length / POINTS))
  return Array.from({ length: Math.ceil(steps.length / size) }, (_, i) => {
    const group = steps.slice(i * size, (i + 1) * size)
    const mean = group.reduce((sum, { loss }) => sum + loss, 0) / group.length
    return { step: group.at(-1)!.step, loss: mean, curve: 'training' }
  })
}
