import { expect } from 'chai'

import { trainingProgress } from '../../src/cli/training_progress.ts'
import type { EvaluationRecord } from '../../src/learning/listeners.ts'

/** What is written of evaluations of a run whose best checkpoint is chosen by a metric. */
function lines(metric: string, evaluations: readonly Omit<EvaluationRecord, 'epoch'>[]): string[] {
  const written: string[] = []
  const stream = { isTTY: false, write: (text: string) => written.push(text) }
  const progress = trainingProgress({ stream: stream as unknown as NodeJS.WriteStream })
  progress.start!({ totalSteps: 20, fromStep: 0, metric })
  for (const record of evaluations) progress.evaluation!({ epoch: 0, ...record } as EvaluationRecord)
  return written.map((line) => line.trimEnd())
}

describe('the progress of a run', () => {
  it('tells how far an evaluation is, and leaves it and the first step out of speed and time left', () => {
    const written: string[] = []
    const stream = { isTTY: false, write: (text: string) => written.push(text) }
    const now = performance.now.bind(performance)
    let seconds = 0
    performance.now = () => 1000 * seconds
    try {
      const progress = trainingProgress({ stream: stream as unknown as NodeJS.WriteStream, every: 1 })
      progress.start!({ totalSteps: 4, fromStep: 0, metric: 'eval_loss' })
      const evaluate = (step: number) => {
        for (const done of [0, 40, 80, 120]) {
          progress.evaluating!({ step, done, of: 1200 })
          seconds += 6
        }
        progress.evaluating!({ step, done: 1200, of: 1200 })
        progress.evaluation!({ step, epoch: 0, eval_loss: 1, best: step > 0 })
      }
      const step = (step: number, takes: number) => {
        seconds += takes
        progress.step!({ step, epoch: 0, loss: 2, grad_norm: 1, learning_rate: 1e-3, tokens: 100 })
      }
      evaluate(0)
      // It is compiled.
      for (const done of [90, 180]) {
        progress.responding!({ step: 1, done, of: 180 })
        seconds += 300
      }
      step(1, 0)
      step(2, 2)
      evaluate(2)
      step(3, 2)
    } finally {
      performance.now = now
    }
    expect(written.map((line) => line.trimEnd())).to.deep.equal([
      'step 0/4  evaluating: 80 of 1,200',
      'step 0/4  validation loss 1.0000',
      'step 1/4  drawing responses, in tokens: 90 of 180',
      'step 1/4  loss 2.000  lr 1.0e-3',
      'step 2/4  loss 2.000  lr 1.0e-3  50 tok/s  4 s left',
      'step 2/4  evaluating: 80 of 1,200',
      'step 2/4  validation loss 1.0000  (best checkpoint so far)',
      'step 3/4  loss 2.000  lr 1.0e-3  50 tok/s  14 s left',
    ])
  })

  it('calls the best checkpoint so, and says where what training starts from was better', () => {
    const losses = [2, 3, 2.5, 1].map((eval_loss, i) => ({ step: 5 * i, eval_loss, best: i > 0 }))
    expect(lines('eval_loss', losses)).to.deep.equal([
      'step 0/20  validation loss 2.0000',
      'step 5/20  validation loss 3.0000  (best checkpoint so far, worse than before training)',
      'step 10/20  validation loss 2.5000  (best checkpoint so far, worse than before training)',
      'step 15/20  validation loss 1.0000  (best checkpoint so far)',
    ])
  })

  it('compares by the metric that chooses the checkpoint, of which the higher one is better', () => {
    const rewards = [
      { step: 0, eval_loss: 1, eval_reward: 0.5, best: false },
      { step: 5, eval_loss: 2, eval_reward: 0.6, best: true },
      { step: 10, eval_loss: 0.5, eval_reward: 0.4, best: false },
    ]
    const [, better, worse] = lines('eval_reward', rewards)
    expect(better).to.match(/\(best checkpoint so far\)$/)
    expect(worse).not.to.include('best')
    const [, alone] = lines(
      'eval_reward',
      rewards.slice(1).map((record) => ({ ...record, best: true })),
    )
    expect(alone).to.match(/\(best checkpoint so far\)$/)
  })
})
