import { expect } from 'chai'

import { UserError } from '../../src/errors.ts'
import { parallelCoordinates } from '../../src/report/parallel_coordinates.ts'
import type { SweptRun } from '../../src/runs/sweep/go.ts'
import { rejection } from '../rejection.ts'

const run = (values: object, best_metric: number | null, metric = 'eval_loss'): SweptRun => ({
  ...{
    run: '',
    digest: '',
    metric,
    best_metric,
    best_step: 1,
    steps: 1,
    tokens: 1,
    seconds: 1,
    elapsed_seconds: 1,
  },
  ...{ error: best_metric === null ? 'the loss is NaN' : null, evaluations: [], evaluated: {}, config: {} },
  values: values as SweptRun['values'],
})

/** Where a text stands, from the top. */
const heightOf = (svg: string, text: string): number =>
  Number(new RegExp(`translate\\([^,]*,([\\d.]+)\\)[^>]*>${text}<`).exec(svg)![1])

describe('parallel coordinates of a sweep', () => {
  const runs = [run({ lr: 1e-4, r: 4 }, 3.2), run({ lr: 1e-3, r: 8 }, 3.0), run({ lr: 1e-2, r: 8 }, null)]

  it('have an axis for each key and the metric, and a line for each run, dashed where it failed', async () => {
    const svg = await parallelCoordinates(runs, { lr: 'log', r: 'list' }, 'a sweep')
    for (const text of [
      '>lr<',
      '>r<',
      '>loss<',
      '>1e-3<',
      '3 runs, 1 failed (dashed); best loss 3.0000 with lr=1e-3 r=8',
    ])
      expect(svg).to.include(text)
    expect(svg.match(/stroke-dasharray/g)).to.have.length(1)
    expect(await parallelCoordinates(runs, { lr: 'log', r: 'list' }, 'a sweep')).to.equal(svg)
  })

  it('have the better end of the metric at the top, and ranges in their scale', async () => {
    const svg = await parallelCoordinates(runs, { lr: 'log', r: 'list' }, 'a sweep')
    expect(heightOf(svg, '3')).to.be.lessThan(heightOf(svg, '3.2'))
    expect(heightOf(svg, '0.01') + heightOf(svg, '1e-4')).to.be.closeTo(2 * heightOf(svg, '1e-3'), 0.1)
    const accuracies = [run({ r: 4 }, 0.8, 'eval_accuracy'), run({ r: 8 }, 0.9, 'eval_accuracy')]
    const other = await parallelCoordinates(accuracies, { r: 'list' }, 'a sweep')
    expect(heightOf(other, '0.9')).to.be.lessThan(heightOf(other, '0.8'))
  })

  it('are drawn of what is all alike, or failed, too', async () => {
    for (const some of [[runs[0]!], [runs[0]!, runs[0]!], [runs[2]!], [run({ lr: null, r: 4 }, 3)]]) {
      const svg = await parallelCoordinates(some, { lr: 'lin', r: 'list' }, 'a sweep')
      expect(svg).not.to.match(/NaN|Infinity|undefined/)
    }
    expect(await rejection(parallelCoordinates([], {}, 'a sweep'))).to.be.instanceOf(UserError)
  })
})
