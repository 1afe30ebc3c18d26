/**
 * How a training run looks in the terminal: one live line where a person watches, plain lines where not.
 * @module
 */
import { performance } from 'node:perf_hooks'

import type { Listener, Metrics, Progress, StepRecord } from '../learning/listeners.ts'
import { isBetter } from '../learning/listeners.ts'
import { visible } from '../visible_text.ts'
import { duration } from './duration.ts'

export interface ProgressOptions {
  /** Where the lines go; standard error, so that `--json` keeps standard output to itself. */
  readonly stream?: NodeJS.WriteStream
  /** Most steps between plain lines. */
  readonly every?: number
}

/** Most milliseconds between plain lines. */
const PATIENCE = 10_000

/** What is shown of a step, where its task logs it. */
const SHOWN: Readonly<Record<string, string>> = {
  loss: 'loss',
  accuracy: 'accuracy',
  'rewards/accuracies': 'rewards/accuracies',
  'env/reward_mean': 'reward',
  'objective/kl': 'KL',
}

/** `loss 3.1416  perplexity 23.14`, or what else the task measures. */
const metricsLine = (metrics: Metrics): string =>
  (Object.entries(metrics) as [string, number][])
    .filter(([name]) => name.startsWith('eval_'))
    .map(([name, value]) => `${name.slice('eval_'.length).replaceAll('_', ' ')} ${value.toFixed(4)}`)
    .join('  ')

/** Shows loss and the like (as moving averages), learning rate, tokens per second and the time left. */
export function trainingProgress({ stream = process.stderr, every = 50 }: ProgressOptions = {}): Listener {
  let total = 0
  let from = 0
  let tokens = 0
  /** When the first step of this process had been taken: what is opened and compiled for it comes once. */
  let started: number | undefined
  /** Milliseconds of evaluations since then, and when the one under way began. */
  let evaluated = 0
  let evaluating: number | undefined
  let averages: Record<string, { readonly sum: number; readonly weight: number }> = {}
  let lastDrawn = 0
  let metric: keyof Metrics = 'eval_loss'
  /** Before each line, where it is one of several stages. */
  let stage = ''
  /** What training starts from, in that metric: it may be better than every checkpoint. */
  let untrained: number | undefined

  // The mean of what was, the older the less: Σ 0.95^age·x / Σ 0.95^age.
  const shown = (): string =>
    Object.entries(averages)
      .map(([key, { sum, weight }]) => `${SHOWN[key]} ${(sum / weight).toFixed(3)}`)
      .join('  ')
  const follow = (record: StepRecord): void => {
    for (const key of Object.keys(SHOWN)) {
      const value = record[key]
      const { sum, weight } = averages[key] ?? { sum: 0, weight: 0 }
      if (typeof value === 'number') averages[key] = { sum: 0.95 * sum + value, weight: 0.95 * weight + 1 }
    }
  }
  const line = (step: number, rate: number): string => {
    const begin = `${stage}step ${step}/${total}  ${shown()}  lr ${rate.toExponential(1)}`
    const done = step - from
    if (started === undefined || done === 0) return begin
    const passed = performance.now() - started
    const speed = Math.round((1000 * tokens) / (passed - evaluated))
    const left = (passed / 1000 / done) * (total - step)
    return `${begin}  ${speed.toLocaleString('en')} tok/s  ${duration(left)} left`
  }

  /** How far something is within a step, where that takes long. */
  const within = (what: string, { step, done, of }: Progress): void => {
    const now = performance.now()
    if (done === of || now - lastDrawn < (stream.isTTY ? 100 : PATIENCE)) return
    lastDrawn = now
    const text = `${stage}step ${step}/${total}  ${what}: ${done.toLocaleString('en')} of ${of.toLocaleString('en')}`
    stream.write(stream.isTTY ? `\r\x1b[2K${text}` : `${text}\n`)
  }

  return {
    preparation(what, done, of) {
      const now = performance.now()
      if (done < of && now - lastDrawn < (stream.isTTY ? 100 : PATIENCE)) return
      lastDrawn = now
      const text = `${what}: ${done.toLocaleString('en')} of ${of.toLocaleString('en')}`
      stream.write(stream.isTTY ? `\r\x1b[2K${done < of ? text : ''}` : `${text}\n`)
    },
    note(sentence) {
      stream.write(`${stream.isTTY ? '\r\x1b[2K' : ''}${visible(sentence)}\n`)
    },
    start({ totalSteps, fromStep, metric: chosenBy, stage: name }) {
      stage = name === undefined ? '' : `${visible(name)}  `
      untrained = undefined
      tokens = 0
      evaluated = 0
      evaluating = undefined
      metric = chosenBy as keyof Metrics
      total = totalSteps
      from = fromStep
      started = undefined
      lastDrawn = performance.now()
      averages = {}
    },
    step(record) {
      follow(record)
      const now = performance.now()
      if (started === undefined) {
        started = now
        from = record.step
      } else tokens += record.tokens
      if (stream.isTTY) {
        if (now - lastDrawn < 100 && record.step < total) return
        lastDrawn = now
        const share = record.step / total
        const bar = '█'.repeat(Math.round(24 * share)).padEnd(24, '░')
        stream.write(`\r\x1b[2K${bar} ${line(record.step, record.learning_rate)}`)
      } else if (record.step % every === 0 || record.step === total || now - lastDrawn > PATIENCE) {
        lastDrawn = now
        stream.write(`${line(record.step, record.learning_rate)}\n`)
      }
    },
    responding: (at) => within('drawing responses, in tokens', at),
    evaluating(at) {
      evaluating ??= performance.now()
      within('evaluating', at)
    },
    evaluation(record) {
      if (started !== undefined && evaluating !== undefined) evaluated += performance.now() - evaluating
      evaluating = undefined
      const clear = stream.isTTY ? '\r\x1b[2K' : ''
      const value = record[metric]
      if (record.step === 0) untrained = value
      const beaten = untrained !== undefined && value !== undefined && isBetter(metric, untrained, value)
      const mark = record.best
        ? `  (best checkpoint so far${beaten ? ', worse than before training' : ''})`
        : ''
      stream.write(`${clear}${stage}step ${record.step}/${total}  validation ${metricsLine(record)}${mark}\n`)
    },
  }
}
