import { expect } from 'chai'

import { THIRD_FACTORS } from '../../graphs/optimizers/plastic.ts'
import { plasticStep } from '../../src/learning/plastic.ts'
import { createParameterMemory } from '../../src/runtime/parameter_memory.ts'
import type { ParameterMemory } from '../../src/runtime/parameter_memory.ts'
import type { OptimizerStep } from '../../src/runtime/training_state.ts'
import type { Weights } from './plastic_reference.ts'
import { fillGradients, furthest, referenceStep, someWeights } from './plastic_reference.ts'

const adamw: Omit<OptimizerStep, 'step'> = {
  ...{ learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 },
}

const rule = { plasticity_lr: 1e-2, gamma: 0.95, beta: 1.5, lambda_decay: 0.01 }

/** A memory with the same numbers. */
function memoryOf(weights: ReadonlyMap<string, Weights>, traced: boolean): ParameterMemory {
  const shapes = new Map([...weights].map(([name, { shape }]) => [name, shape]))
  const names = [...weights].filter((entry) => traced && entry[1].traced).map(([name]) => name)
  const memory = createParameterMemory(shapes, { traced: new Set(names) })
  for (const [name, { p }] of weights) memory.views(name).parameter.set(p)
  return memory
}

function feed(memory: ParameterMemory, weights: ReadonlyMap<string, Weights>): void {
  for (const [name, { g }] of weights) memory.views(name).gradient.set(g)
}

const bytes = (memory: ParameterMemory): string =>
  memory.names
    .map((name) => Buffer.from(memory.views(name).parameter.slice().buffer).toString('hex'))
    .join(' ')

describe('the plastic update in memory', () => {
  for (const third_factor of THIRD_FACTORS)
    it(`equals float64 over 20 steps, third factor ${third_factor}`, () => {
      const weights = someWeights()
      const memory = memoryOf(weights, true)
      const untouched = memoryOf(weights, false)
      for (let step = 1; step <= 20; step++) {
        fillGradients(weights, step)
        feed(memory, weights)
        feed(untouched, weights)
        const plastic = plasticStep({ ...rule, third_factor }, Math.sin(step))
        const expected = referenceStep(weights, { ...adamw, step, plastic })
        const found = memory.step({ ...adamw, step, plastic })
        untouched.step({ ...adamw, step })
        expect(found.gradNorm / expected.gradNorm).to.be.closeTo(1, 1e-6)
        expect(found.eligibilityNorm! / expected.eligibilityNorm).to.be.closeTo(1, 1e-6)
        for (const [name, { p, e, traced }] of weights) {
          const views = memory.views(name)
          const where = `${name} at step ${step}`
          expect(furthest(views.parameter, p), where).to.be.lessThan(1e-6)
          if (!traced) expect(views.eligibility, where).to.equal(undefined)
          else expect(furthest(views.eligibility!, e), where).to.be.lessThan(1e-6)
        }
      }
      // It did something: on the tensors with traces, and on no other.
      for (const [name, { traced }] of weights) {
        const distance = furthest(memory.views(name).parameter, untouched.views(name).parameter)
        if (traced) expect(distance, name).to.be.greaterThan(1e-5)
        else expect(distance, name).to.equal(0)
      }
    })

  it('moves traces towards what steady gradients bring, and lets them fade without', () => {
    const memory = createParameterMemory(new Map([['w', [2, 2]]]), { traced: new Set(['w']) })
    const plastic = plasticStep({ ...rule, third_factor: 'published' }, 0)
    memory.views('w').gradient.set([3, 0, 0, -4])
    for (let step = 1; step <= 400; step++) memory.step({ ...adamw, step, plastic })
    // e = |g|/‖g‖ / (1 − γ)
    expect(memory.views('w').eligibility![0]).to.be.closeTo(0.6 / 0.05, 1e-4)
    expect(memory.views('w').eligibility![3]).to.be.closeTo(0.8 / 0.05, 1e-4)
    memory.views('w').gradient.fill(0)
    const { eligibilityNorm } = memory.step({ ...adamw, step: 401, plastic })
    expect(eligibilityNorm).to.be.closeTo((1 / 0.05) * 0.95, 1e-3)
    for (let step = 402; step <= 1200; step++) memory.step({ ...adamw, step, plastic })
    expect([...memory.views('w').eligibility!]).to.deep.equal([0, 0, 0, 0])
  })

  for (const third_factor of THIRD_FACTORS)
    it(`leaves every bit to AdamW without a rate, third factor ${third_factor}`, () => {
      const weights = someWeights()
      // What is likeliest to be changed by adding nothing to it.
      for (const { p } of weights.values()) p.fill(-0, 0, 3)
      const [plastic, plain] = [memoryOf(weights, true), memoryOf(weights, false)]
      for (const improvement of [0.5, -0.5]) {
        for (let step = 1; step <= 5; step++) {
          fillGradients(weights, step)
          for (const { g } of weights.values()) g.fill(0, 0, 3)
          for (const memory of [plastic, plain]) feed(memory, weights)
          const rate = plasticStep({ ...rule, plasticity_lr: 0, third_factor }, improvement)
          plastic.step({ ...adamw, weightDecay: 0, step, plastic: rate })
          plain.step({ ...adamw, weightDecay: 0, step })
          expect(bytes(plastic)).to.equal(bytes(plain))
        }
      }
      expect(plastic.views('h.0.weight').eligibility!.some((trace) => trace > 0.01)).to.equal(true)
    })

  it('takes the sum of micro-batches, as AdamW does', () => {
    const shapes = new Map([['w', [3, 7]]])
    const traced = new Set(['w'])
    const [whole, parts] = [
      createParameterMemory(shapes, { traced }),
      createParameterMemory(shapes, { accumulate: true, traced }),
    ]
    const plastic = plasticStep({ ...rule, third_factor: 'published' }, 0)
    const halves = [1, 2].map((k) =>
      Float32Array.from({ length: 21 }, (_, i) => Math.fround((i - 10) / (8 * k))),
    )
    for (const half of halves) {
      parts.views('w').gradient.set(half)
      parts.accumulateGradients()
    }
    whole.views('w').gradient.set(halves[0]!.map((x, i) => x + halves[1]![i]!))
    expect(parts.step({ ...adamw, step: 1, plastic })).to.deep.equal(
      whole.step({ ...adamw, step: 1, plastic }),
    )
    expect(parts.views('w')).to.deep.include({
      parameter: whole.views('w').parameter,
      eligibility: whole.views('w').eligibility,
    })
  })
})
