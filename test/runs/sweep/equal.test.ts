import { expect } from 'chai'

import { UserError } from '../../../src/errors.ts'
import { atEqual } from '../../../src/runs/sweep/equal.ts'
import type { SweptRun } from '../../../src/runs/sweep/go.ts'

type Point = readonly [tokens: number, seconds: number, loss: number, bleu?: number]

function run(
  values: Readonly<Record<string, unknown>>,
  points: readonly Point[],
  error: string | null = null,
): SweptRun {
  const evaluations = points.map(([tokens, seconds, eval_loss, eval_bleu], i) => ({
    ...{ step: i, tokens, seconds, eval_loss },
    ...(eval_bleu === undefined ? {} : { eval_bleu }),
  }))
  const [last] = evaluations.slice(-1)
  return {
    ...{
      run: JSON.stringify(values),
      digest: '',
      error,
      metric: 'eval_loss',
      best_metric: 1,
      best_step: 1,
      steps: 1,
    },
    ...{ tokens: last?.tokens ?? 0, seconds: last?.seconds ?? 0, elapsed_seconds: 0 },
    ...{ evaluations, evaluated: {}, config: {}, values },
  }
}

const medians = (runs: readonly SweptRun[], by: 'tokens' | 'seconds', metric = 'eval_loss') =>
  atEqual(runs, by)
    .metrics.find((found) => found.metric === metric)!
    .groups.map(({ interval }) => interval.median)

describe('runs at equal tokens or seconds', () => {
  const fast = run({ variant: 'a', seed: 1 }, [
    [0, 0, 4],
    [100, 10, 3],
    [200, 20, 2],
  ])
  const slow = run({ variant: 'b', seed: 1 }, [
    [0, 0, 4],
    [80, 20, 3],
    [160, 40, 1],
  ])

  it('are compared where the one that had least ends, on the lines between evaluations', () => {
    expect(atEqual([fast, slow], 'tokens').at).to.equal(160)
    // a: from 3 at 100 to 2 at 200, so 2.4 at 160.
    expect(medians([fast, slow], 'tokens')).to.deep.equal([2.4, 1])
    expect(atEqual([fast, slow], 'seconds').at).to.equal(20)
    expect(medians([fast, slow], 'seconds')).to.deep.equal([2, 3])
  })

  it('differ from the first group seed by seed', () => {
    const ends = (variant: string, losses: readonly number[]) =>
      losses.map((loss, i) =>
        run({ variant, seed: i + 1 }, [
          [0, 0, 9],
          [100, 10, loss],
        ]),
      )
    const { metrics } = atEqual([...ends('a', [1, 5, 9]), ...ends('b', [1.5, 5.5, 9.5])], 'tokens')
    const { groups } = metrics[0]!
    expect(groups.map(({ values }) => values)).to.deep.equal([{ variant: 'a' }, { variant: 'b' }])
    expect(groups[0]!.difference).to.equal(null)
    expect(groups[1]).to.deep.include({ difference: { median: 0.5, low: 0.5, high: 0.5 }, runs: 3 })
  })

  it('count at the later of two evaluations at one point, as between two stages', () => {
    const staged = run({ variant: 'c', seed: 1 }, [
      [0, 0, 4],
      [100, 10, 3],
      [100, 10, 2.5],
      [200, 20, 2],
    ])
    const until = run({ variant: 'd', seed: 1 }, [
      [0, 0, 4],
      [100, 10, 3],
    ])
    expect(medians([staged, until], 'tokens')).to.deep.equal([2.5, 3])
  })

  it('have the metrics that all evaluations have, and leave out runs that failed', () => {
    const more = run({ variant: 'e', seed: 1 }, [
      [0, 0, 4, 0.1],
      [100, 10, 3, 0.2],
    ])
    expect(atEqual([more], 'tokens').metrics.map(({ metric }) => metric)).to.deep.equal([
      'eval_loss',
      'eval_bleu',
    ])
    expect(atEqual([more, fast], 'tokens').metrics.map(({ metric }) => metric)).to.deep.equal(['eval_loss'])
    const failed = run({ variant: 'f', seed: 1 }, [[0, 0, 4]], 'not a number')
    expect(medians([failed, fast], 'tokens')).to.deep.equal([2])
    expect(atEqual([failed], 'tokens').metrics).to.deep.equal([])
  })

  it('must have been evaluated', () => {
    expect(() => atEqual([fast, run({ variant: 'g', seed: 1 }, [])], 'seconds')).to.throw(
      UserError,
      'never evaluated',
    )
  })
})
