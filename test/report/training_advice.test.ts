import { expect } from 'chai'

import type { EvaluationRecord, StepRecord } from '../../src/learning/listeners.ts'
import { createRandom } from '../../src/random.ts'
import type { AdviceFacts } from '../../src/report/training_advice.ts'
import {
  firstLook,
  lossAdvice,
  sizeAdvice,
  trainingAdviser,
  validationAdvice,
} from '../../src/report/training_advice.ts'

const facts: AdviceFacts = { learningRate: 5e-5, parameters: 124e6, validationRows: 400 }
const small: AdviceFacts = { ...facts, parameters: 3.5e6 }

/** Steps whose losses are those of a curve, with noise. */
function stepsOf(count: number, curve: (step: number) => number, noise = 0.1): StepRecord[] {
  const { normal } = createRandom('advice', count)
  return Array.from({ length: count }, (_, i) => ({
    ...{ step: i + 1, epoch: 0, grad_norm: 1, learning_rate: 1e-3, tokens: 10 },
    loss: curve(i + 1) + noise * normal(),
  }))
}

const evaluationsOf = (losses: readonly number[], more: object = {}): EvaluationRecord[] =>
  losses.map((eval_loss, i) => ({ step: 100 * i, epoch: i, eval_loss, best: false, ...more }))

const run = (steps: StepRecord[], evaluations: EvaluationRecord[] = [], totalSteps = 1000) => ({
  steps,
  evaluations,
  totalSteps,
})

describe('advice on a run', () => {
  it('says that the loss hardly moves, and a higher learning rate', () => {
    expect(lossAdvice(run(stepsOf(60, () => 4)), facts)).to.match(
      /^The loss hardly moves: .* was 4\.\d+ at first and is 3\.\d+|4\.\d+ after 60 steps.*5e-5.*learning_rate=2\.5e-4/,
    )
  })

  it('names no higher learning rate than there may be, nor one where the loss has risen', () => {
    const flat = (slope: number, learningRate: number) =>
      lossAdvice(run(stepsOf(60, (step) => 4 + slope * step + (step % 2 ? 0.1 : -0.1), 0)), {
        ...facts,
        learningRate,
      })
    expect(flat(-1e-3, 2)).to.match(/may be too low, such as for learning_rate=1e\+1/)
    for (const advice of [flat(-1e-3, 10), flat(-1e-3, 2.1), flat(1e-3, 1e-3)])
      expect(advice).to.match(/^The loss hardly moves: .* may be too high or too low, or/)
  })

  it('says that the loss rises, and a lower learning rate', () => {
    expect(lossAdvice(run(stepsOf(60, (step) => 4 + step / 50)), facts)).to.match(
      /^The loss rises: .*learning_rate=1e-5/,
    )
  })

  it('keeps quiet while the loss falls, steeply or a little, with noise or without', () => {
    for (const fall of [1, 0.3, 0.15])
      for (const noise of [0, 0.05, 0.2])
        expect(
          lossAdvice(run(stepsOf(80, (step) => 4 - (fall * step) / 40, noise)), facts),
          `${fall} with ${noise}`,
        ).to.equal(undefined)
  })

  it('keeps quiet about a loss that has fallen to nothing', () => {
    expect(lossAdvice(run(stepsOf(60, (step) => 2 ** -step, 0)), facts)).to.equal(undefined)
  })

  it('says that the validation loss rises, and where it was best', () => {
    const evaluations = evaluationsOf([4, 3.5, 3.2, 3.3, 3.4])
    expect(validationAdvice(run([], evaluations))).to.match(
      /^The validation loss rises: it was 3\.2 at step 200 and is 3\.4 at step 400\./,
    )
  })

  it('says that the validation loss is worse than before training', () => {
    expect(validationAdvice(run([], evaluationsOf([3, 3.2, 3.3])))).to.match(/worse than before training/)
  })

  it('keeps quiet while the validation loss falls, stays, or has risen once', () => {
    for (const losses of [
      [4, 3.5, 3.2],
      [4, 3.5, 3.2, 3.3],
      [4, 3.5, 3.2, 3.21, 3.21],
      [4, 3.5, 3.2, 3.4, 3.1],
      [0.69, 0.5, 0.5],
    ])
      expect(validationAdvice(run([], evaluationsOf(losses))), String(losses)).to.equal(undefined)
  })

  it('says that a model is small where it is no better than the largest class, or than a coin', () => {
    const steps = stepsOf(300, () => 0.7)
    const ended = (accuracy: object) => run(steps, evaluationsOf([0.7, 0.69, 0.69, 0.69], accuracy), 300)
    expect(sizeAdvice(ended({ eval_accuracy: 0.52 }), { ...small, chance: 0.503 })).to.match(
      /0\.520 of the validation rows are right, and 0\.503 are without learning; a model of 3\.5 million/,
    )
    expect(sizeAdvice(ended({ 'eval_rewards/accuracies': 0.5 }), { ...small, chance: 0.5 })).to.match(/small/)
    expect(sizeAdvice(ended({ eval_accuracy: 0.52 }), { ...facts, chance: 0.503 })).to.match(/learning rate/)
    expect(sizeAdvice(ended({ eval_accuracy: 0.8 }), { ...small, chance: 0.503 })).to.equal(undefined)
  })

  it('says what the texts of a small model will be like, at the end and not before', () => {
    const steps = stepsOf(300, () => 3)
    const evaluations = evaluationsOf([4, 3.5, 3.4, 3.3], { eval_perplexity: 30 })
    expect(sizeAdvice(run(steps, evaluations, 300), small)).to.match(/3\.5 million.*perplexity of 30/)
    expect(sizeAdvice(run(steps, evaluations, 900), small)).to.equal(undefined)
    expect(sizeAdvice(run(steps, evaluations, 300), facts)).to.equal(undefined)
  })

  /** What is said of a run from its first step on. */
  function saidOf(losses: (step: number) => number, given: AdviceFacts, fromStep = 0): string[] {
    const heard: string[] = []
    const { listener, said } = trainingAdviser(given, (advice) => heard.push(advice))
    const steps = stepsOf(400, losses)
    listener.start!({ totalSteps: 400, fromStep, metric: 'eval_loss' })
    for (const step of steps) listener.step!(step)
    for (const evaluation of evaluationsOf([4, 3.5, 3.2, 3.3, 3.4, 3.5, 3.6]))
      listener.evaluation!(evaluation)
    expect(said).to.be.an('array')
    return heard
  }

  it('is given once a kind', () => {
    expect(saidOf(() => 4, facts).map((text) => text.slice(0, 20))).to.deep.equal([
      'The loss hardly move',
      'The validation loss ',
    ])
  })

  it('compares nothing with the beginning of a run that is resumed, nor a loss that tells nothing', () => {
    expect(saidOf(() => 4, facts, 100)).to.have.length(1)
    expect(saidOf(() => 4, { ...facts, lossTells: false })).to.have.length(1)
  })

  it('looks at the loss after a tenth of the run, and after 60 steps at the earliest', () => {
    expect([firstLook(100), firstLook(600), firstLook(5000)]).to.deep.equal([60, 60, 500])
  })
})
