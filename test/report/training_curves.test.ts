import { expect } from 'chai'

import type { EvaluationRecord, StepRecord } from '../../src/learning/listeners.ts'
import { placedNames, smoothed, trainingCurves } from '../../src/report/training_curves.ts'
import { tasks } from '../../src/tasks/index.ts'

/** A log of ten steps, evaluated before the first and after every fifth. */
const log = Array.from({ length: 11 }, (_, step): (StepRecord | EvaluationRecord)[] => [
  ...(step === 0
    ? []
    : [{ step, epoch: 0, loss: 4 - step / 10, grad_norm: 1, learning_rate: 1e-3 / step, tokens: 8 }]),
  ...(step % 5 === 0 ? [{ step, epoch: 0, eval_loss: 4 - step / 12, best: false }] : []),
]).flat()

/** The texts of a picture. */
const textsOf = (svg: string): string[] =>
  Array.from(svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g), ([, text]) => text!)

/** The marks of a picture: lines, and points. */
const marks = (svg: string): string[] => svg.match(/<path aria-label[^>]*>/g) ?? []

describe('the curves of a run', () => {
  it('are of the loss, the gradients and the learning rate, with steps and small numbers as people read them', async () => {
    const texts = textsOf(await trainingCurves(log, 'runs/words', tasks.sft))
    expect(texts).to.include.members(['runs/words', 'loss (nats)', 'norm of the gradients, before clipping'])
    expect(texts).to.include.members(['training', 'validation', 'learning rate', 'optimizer step'])
    expect(texts).to.include.members(['0', '2', '10', '2e-4', '1e-3'])
    expect(texts.filter((text) => text.includes('NaN') || text.includes('0.000'))).to.deep.equal([])
  })

  it('have the point before training', async () => {
    const points = (svg: string) =>
      marks(svg).filter((mark) => mark.includes('step: 0;') && mark.includes('"point"'))
    expect(points(await trainingCurves(log, 'run', tasks.sft))).to.have.length(1)
    expect(points(await trainingCurves(log.slice(1), 'run', tasks.sft))).to.have.length(0)
  })

  it('have one colour for one thing in all panels', async () => {
    const svg = await trainingCurves(log, 'run', tasks.sft)
    const colours = (curve: string) =>
      marks(svg)
        .filter((mark) => mark.includes(`curve: ${curve}`))
        .map((mark) => /#[0-9a-f]{6}/.exec(mark)![0])
    // A faint and a smooth line in two panels; a line and three points; two lines that are one.
    expect(colours('training')).to.deep.equal(Array<string>(4).fill('#0072b2'))
    expect(colours('validation')).to.deep.equal(Array<string>(4).fill('#d55e00'))
    expect(colours('learning rate')).to.deep.equal(Array<string>(2).fill('#777777'))
  })

  it('draw what the task logs beside, and leave out what the log has not', async () => {
    const accuracy = log.map((record) => ('eval_loss' in record ? { ...record, eval_accuracy: 0.5 } : record))
    expect(textsOf(await trainingCurves(accuracy, 'run', tasks.classification))).to.include('accuracy')
    expect(textsOf(await trainingCurves(log, 'run', tasks.classification))).not.to.include('accuracy')
  })

  it('count updates where a step is one', async () => {
    const titles = textsOf(await trainingCurves(log, 'run', tasks.ppo))
    expect(titles).to.include('update').and.not.include('optimizer step')
  })

  it('lie between the first and the last tick of their axis, whatever their highest and lowest points', async () => {
    for (const most of [0.0017, 0.97, 3.4, 11.3, 1023]) {
      const spread = log.map((record) =>
        'loss' in record
          ? { ...record, loss: (most * record.step) / 10, grad_norm: most / record.step, learning_rate: most }
          : { ...record, eval_loss: most },
      )
      const axes = (await trainingCurves(spread, 'run', tasks.sft)).split('aria-label="Y-axis').slice(1)
      expect(axes).to.have.length(3)
      for (const axis of axes) {
        const [lines] = axis.split('role-axis-label')
        const ticks = Array.from(lines!.matchAll(/<line transform="translate\(0,([\d.]+)\)"/g), ([, y]) =>
          Number(y),
        )
        expect([Math.min(...ticks), Math.max(...ticks)], `${most}`).to.deep.equal([0, 210])
      }
    }
  })

  it('of the norms of terms show a small one beside a large one, and one that is 0', async () => {
    const norms = (length: number, semantic: number) =>
      log.map((record) => ({
        ...record,
        ...('grad_norm' in record
          ? { 'terms/length_grad_norm': length, 'terms/semantic_grad_norm': semantic }
          : {}),
      }))
    const heightOf = async (length: number, semantic: number) => {
      const svg = await trainingCurves(norms(length, semantic), 'run', tasks.neuroplastic)
      const lines = marks(svg).filter((mark) => /curve: semantic/.test(mark))
      return Number(/ d="M[\d.]+,([\d.]+)/.exec(lines.at(-1)!)![1])
    }
    const [zero, small, large] = [await heightOf(30, 0), await heightOf(30, 0.03), await heightOf(30, 30)]
    // A thousandth of the other one has gone up half as far.
    expect((zero - small) / (zero - large)).to.be.within(0.25, 0.6)
    const texts = textsOf(await trainingCurves(norms(30, 0.03), 'run', tasks.neuroplastic))
    expect(texts).to.include.members(['0.001', '0.1', '100'])
  })

  it('can be of a run of one step, and of tens of thousands', async () => {
    expect(textsOf(await trainingCurves(log.slice(0, 2), 'run', tasks.sft))).to.include('loss (nats)')
    const long = Array.from({ length: 20_000 }, (_, i) => ({ ...log[1]!, step: i + 1 }))
    const svg = await trainingCurves(long, 'run', tasks.sft)
    expect(textsOf(svg)).to.include('20k')
    expect(svg.length).to.be.below(200_000)
  })
})

describe('the names of parts', () => {
  const long = 'dialogues with a context, and with long answers to them'

  it('stand above one another where they have no room beside one another, within the axes', () => {
    const rules = ['first', long, 'b', `back to ${long}`, long, 'the last'].map((name, i) => ({
      name,
      step: 20 * i,
    }))
    const names = placedNames(rules, 120)
    expect(names.map(({ step }) => step)).to.deep.equal(rules.map(({ step }) => step))
    const spans = names.map(({ step, name, row, align }) => {
      const [at, width] = [(step / 120) * 420, 5 * name.length]
      return { at, row, from: align === 'left' ? at : at - width, to: align === 'left' ? at + width : at }
    })
    for (const [i, span] of spans.entries()) {
      expect(span.from).to.be.at.least(0)
      expect(span.to).to.be.at.most(420)
      for (const other of spans.slice(i + 1)) {
        if (other.row === span.row) expect(span.to < other.from || other.to < span.from).to.equal(true)
        // The rule of a later part ends below.
        if (other.row >= span.row) expect(span.from < other.at && other.at < span.to).to.equal(false)
      }
    }
    expect(new Set(names.map(({ row }) => row)).size).to.be.greaterThan(2)
  })

  it('are in one row where they have room', () => {
    const rules = ['definitions', 'explanations', 'dialogues'].map((name, i) => ({ name, step: 50 * i }))
    expect(placedNames(rules, 150).map(({ name, row }) => [name, row])).to.deep.equal([
      ['definitions', 0],
      ['explanations', 0],
      ['dialogues', 0],
    ])
  })
})

describe('the smooth line', () => {
  const line = (values: readonly number[]) => values.map((value, step) => ({ step, value }))

  it('neither lags behind a line nor bends it, and ends where the points do', () => {
    const straight = line(Array.from({ length: 300 }, (_, i) => 4 - i / 100))
    smoothed(straight).forEach(({ step, value }, i) => {
      expect(step).to.equal(i)
      expect(value).to.be.closeTo(straight[i]!.value, 1e-12)
    })
  })

  it('takes the noise away', () => {
    const jagged = line(Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? 1 : -1)))
    for (const { value } of smoothed(jagged).slice(10, -10)) expect(Math.abs(value)).to.be.below(0.2)
  })

  it('is the points themselves where there are few', () => {
    const few = line([3, 1, 2])
    expect(smoothed(few)).to.deep.equal(few)
  })
})
