import { expect } from 'chai'
import { createParameterMemory } from '../../src/runtime/parameter_memory.ts'
import type { ParameterMemory } from '../../src/runtime/parameter_memory.ts'
import type { OptimizerStep } from '../../src/runtime/training_state.ts'

const hyper = { learningRate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 }

/** A small linear congruential generator, uniform in [−1, 1). */
function uniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

/** AdamW in float64, straight from the paper's algorithm 2. */
function referenceStep(
  state: { p: Float64Array; m: Float64Array; v: Float64Array },
  gradient: ArrayLike<number>,
  { learningRate, step, beta1, beta2, epsilon, weightDecay }: OptimizerStep,
): void {
  const { p, m, v } = state
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i]!
    m[i] = beta1 * m[i]! + (1 - beta1) * g
    v[i] = beta2 * v[i]! + (1 - beta2) * g * g
    const mHat = m[i]! / (1 - beta1 ** step)
    const vHat = v[i]! / (1 - beta2 ** step)
    p[i] = p[i]! - learningRate * (mHat / (Math.sqrt(vHat) + epsilon) + weightDecay * p[i]!)
  }
}

const worst = (got: Float32Array, wanted: Float64Array) =>
  got.reduce((worst, value, i) => Math.max(worst, Math.abs(value - wanted[i]!)), 0)

describe('parameter memory', () => {
  it('equals AdamW in float64 over 20 steps on tensors of awkward sizes', () => {
    const shapes = new Map<string, number[]>()
    for (const size of [1, 2, 3, 4, 5, 7, 63, 1027]) shapes.set(`vector.${size}`, [size])
    for (const shape of [
      [1, 1],
      [3, 5],
      [17, 61],
      [2, 3, 4],
    ])
      shapes.set(`matrix.${shape.join('x')}`, shape)
    const memory = createParameterMemory(shapes)
    const random = uniform(7)
    const references = new Map(
      memory.names.map((name) => {
        const { parameter } = memory.views(name)
        for (let i = 0; i < parameter.length; i++) parameter[i] = random()
        const zeros = () => new Float64Array(parameter.length)
        return [name, { p: Float64Array.from(parameter), m: zeros(), v: zeros() }]
      }),
    )
    for (let step = 1; step <= 20; step++) {
      for (const name of memory.names) {
        const { gradient, shape } = memory.views(name)
        // From 1e-6 to 1, so that ε is felt in some elements.
        for (let i = 0; i < gradient.length; i++) gradient[i] = random() * 10 ** (3 * random() - 3)
        const weightDecay = shape.length >= 2 ? hyper.weightDecay : 0
        referenceStep(references.get(name)!, gradient, { ...hyper, weightDecay, step })
      }
      memory.step({ ...hyper, step })
    }
    for (const [name, { p, m, v }] of references) {
      const views = memory.views(name)
      // One step rounds p, below 2, by at most 2⁻²⁴ twice, and its update of 1e-2 by a few parts in 2²⁴.
      expect(worst(views.parameter, p), name).to.be.below(20 * 2.2 * 2 ** -24)
      expect(worst(views.firstMoment, m), name).to.be.below(10 * 2 ** -24)
      expect(worst(views.secondMoment, v), name).to.be.below(10 * 2 ** -24)
    }
  })

  it('keeps the gradient norm exact on millions of equal values', () => {
    const length = 5_000_003
    const memory = createParameterMemory(new Map([['g', [length]]]))
    memory.views('g').gradient.fill(0.1)
    const { gradNorm } = memory.step({ ...hyper, step: 1 })
    expect(Math.abs(gradNorm / (Math.fround(0.1) * Math.sqrt(length)) - 1)).to.be.below(1e-10)
  })

  it('clips by the norm over all tensors', () => {
    const shapes = new Map([
      ['a', [3]],
      ['b', [2, 2]],
    ])
    const fill = (memory: ParameterMemory, factor: number) => {
      memory.views('a').gradient.set([3 * factor, 0, 0])
      memory.views('b').gradient.set([0, 0, 0, 4 * factor])
    }
    const clipped = createParameterMemory(shapes)
    fill(clipped, 1)
    expect(clipped.step({ ...hyper, step: 1, maxGradNorm: 2 }).gradNorm).to.equal(5)
    const scaled = createParameterMemory(shapes)
    fill(scaled, 2 / (5 + 1e-6))
    scaled.step({ ...hyper, step: 1, maxGradNorm: 100 })
    for (const name of ['a', 'b']) {
      for (const moment of ['firstMoment', 'secondMoment'] as const) {
        const [got, wanted] = [clipped.views(name)[moment], scaled.views(name)[moment]]
        got.forEach((value, i) => expect(value).to.be.closeTo(wanted[i]!, 2 ** -23 * wanted[i]!))
      }
    }
  })

  it('names the first tensor whose gradient is not finite, and updates nothing', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const memory = createParameterMemory(
        new Map([
          ['fine', [5]],
          ['bad.weight', [3, 3]],
          ['bad.too', [1]],
        ]),
      )
      for (const name of memory.names) memory.views(name).gradient.fill(1)
      memory.views('bad.weight').gradient[8] = bad
      memory.views('bad.too').gradient[0] = bad
      expect(() => memory.step({ ...hyper, step: 3 })).to.throw(
        /bad\.weight is not finite at step 3; lower the learning rate/,
      )
      expect([...memory.views('fine').firstMoment]).to.deep.equal([0, 0, 0, 0, 0])
    }
  })

  it('never leaves a denormal behind', () => {
    const memory = createParameterMemory(new Map([['rows', [4, 9]]]))
    const { gradient, firstMoment, secondMoment, parameter } = memory.views('rows')
    const random = uniform(3)
    gradient.forEach((_, i) => (gradient[i] = random() * 10 ** (-i - 1)))
    const denormal = (value: number) => value !== 0 && Math.abs(value) < 2 ** -126
    for (let step = 1; step <= 1200; step++) {
      memory.step({ ...hyper, beta2: 0.9, step })
      gradient.fill(0)
      expect(firstMoment.some(denormal) || secondMoment.some(denormal), `step ${step}`).to.equal(false)
    }
    expect([...firstMoment, ...secondMoment].every((value) => value === 0)).to.equal(true)
    expect(parameter.every(Number.isFinite)).to.equal(true)
  })

  it('accumulates micro-batches into the step that their sum would make', () => {
    const shapes = new Map([['w', [3, 7]]])
    const accumulated = createParameterMemory(shapes, { accumulate: true })
    const whole = createParameterMemory(shapes)
    const random = uniform(5)
    for (let step = 1; step <= 3; step++) {
      const sum = whole.views('w').gradient.fill(0)
      for (let micro = 0; micro < 4; micro++) {
        const { gradient } = accumulated.views('w')
        for (let i = 0; i < gradient.length; i++) {
          gradient[i] = random()
          sum[i]! += gradient[i]!
        }
        accumulated.accumulateGradients()
      }
      const options = { ...hyper, step, maxGradNorm: 1 }
      expect(accumulated.step(options)).to.deep.equal(whole.step(options))
      expect(accumulated.views('w').parameter).to.deep.equal(whole.views('w').parameter)
    }
  })

  it('forgets what was accumulated for a step that is not made', () => {
    const memory = createParameterMemory(new Map([['w', [2]]]), { accumulate: true })
    const { gradient } = memory.views('w')
    gradient.set([30, 40])
    memory.accumulateGradients()
    memory.discardGradients()
    gradient.set([3, 4])
    memory.accumulateGradients()
    expect(memory.step({ ...hyper, step: 1 }).gradNorm).to.equal(5)
  })

  it('does not accumulate unless it was made to', () => {
    expect(() => createParameterMemory(new Map([['w', [2]]])).accumulateGradients()).to.throw(
      'accumulate: true',
    )
  })

  it('spreads over several memories without splitting a tensor', () => {
    const memory = createParameterMemory(
      new Map([
        ['first', [150, 1_000_000]],
        ['second', [150, 1_000_000]],
        ['third', [10]],
      ]),
    )
    const buffers = memory.names.map((name) => {
      const { parameter, gradient, firstMoment, secondMoment } = memory.views(name)
      const ofTensor = [parameter, gradient, firstMoment, secondMoment].map(({ buffer }) => buffer)
      expect(new Set(ofTensor).size).to.equal(1)
      return ofTensor[0]
    })
    expect(buffers[1]).not.to.equal(buffers[0])
    expect(buffers[2]).to.equal(buffers[1])
  })

  it('refuses a tensor that no memory can hold, and names that are not there', () => {
    expect(() => createParameterMemory(new Map([['giant', [2 ** 15, 2 ** 13]]]))).to.throw(/^giant/)
    expect(() => createParameterMemory(new Map([['w', [1]]])).views('v')).to.throw('no tensor is named v')
  })
})
