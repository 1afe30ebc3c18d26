/**
 * How a training run looks in the terminal: one live line where a person watches, plain lines where not.
 * @module
 */
import { performance } from 'node:perf_hooks'

import type { Metrics, Watcher } from '../training/progress.ts'
import { duration } from './duration.ts'

export interface ProgressOptions {
  /** Where the lines go; standard error, so that `--json` keeps standard output to itself. */
  readonly stream?: NodeJS.WriteStream
  /** Steps between plain lines. */
  readonly every?: number
}

/** `loss 3.1416  perplexity 23.14`, or what else the task measures. */
const metricsLine = ({ eval_loss, eval_perplexity, eval_accuracy, eval_macro_f1 }: Metrics): string =>
  [
    `loss ${eval_loss.toFixed(4)}`,
    eval_perplexity !== undefined && `perplexity ${eval_perplexity.toFixed(2)}`,
    eval_accuracy !== undefined && `accuracy ${eval_accuracy.toFixed(4)}`,
    eval_macro_f1 !== undefined && `macro F1 ${eval_macro_f1.toFixed(4)}`,
  ]
    .filter(Boolean)
    .join('  ')

/** Shows loss, learning rate, tokens per second and the time left. */
export function trainingProgress({ stream = process.stderr, every = 50 }: ProgressOptions = {}): Watcher {
  let total = 0
  let from = 0
  let tokens = 0
  let started = 0
  let lossAverage: number | undefined
  let lastDrawn = 0

  const line = (step: number, rate: number): string => {
    const seconds = (performance.now() - started) / 1000
    const done = step - from
    const left = (seconds / done) * (total - step)
    const speed = Math.round(tokens / seconds)
    return (
      `step ${step}/${total}  loss ${lossAverage!.toFixed(3)}  lr ${rate.toExponential(1)}  ` +
      `${speed.toLocaleString('en')} tok/s  ${duration(left)} left`
    )
  }

  return {
    start({ totalSteps, fromStep }) {
      total = totalSteps
      from = fromStep
      started = performance.now()
    },
    step(record) {
      tokens += record.tokens
      lossAverage = lossAverage === undefined ? record.loss : 0.95 * lossAverage + 0.05 * record.loss
      const now = performance.now()
      if (stream.isTTY) {
        if (now - lastDrawn < 100 && record.step < total) return
        lastDrawn = now
        const share = record.step / total
        const bar = '█'.repeat(Math.round(24 * share)).padEnd(24, '░')
        stream.write(`\r\x1b[2K${bar} ${line(record.step, record.learning_rate)}`)
      } else if (record.step % every === 0 || record.step === total) {
        stream.write(`${line(record.step, record.learning_rate)}\n`)
      }
    },
    evaluation(record) {
      const clear = stream.isTTY ? '\r\x1b[2K' : ''
      const mark = record.best ? '  (best so far)' : ''
      stream.write(`${clear}step ${record.step}/${total}  validation ${metricsLine(record)}${mark}\n`)
    },
  }
}
