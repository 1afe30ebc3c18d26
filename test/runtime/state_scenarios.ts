import { expect } from 'chai'

import { THIRD_FACTORS } from '../../graphs/optimizers/plastic.ts'
import { plasticStep } from '../../src/learning/plastic.ts'
import type { Copier } from '../../src/runtime/copier.ts'
import { createCopier } from '../../src/runtime/copier.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import type { OptimizerStep, StateOptions, TrainingState } from '../../src/runtime/training_state.ts'
import { fillGradients, furthest, referenceStep, someWeights } from './plastic_reference.ts'
import type { Weights } from './plastic_reference.ts'

const adamw: Omit<OptimizerStep, 'step'> = {
  ...{ learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 },
}
const rule = { plasticity_lr: 1e-2, gamma: 0.95, beta: 1.5, lambda_decay: 0.01 }

/** What a training state does, wherever its tensors are; gradients come from graphs of the runtime. */
export function itIsATrainingState(runtime: Pick<Runtime, 'open' | 'state'>): void {
  let copier: Copier
  const states: TrainingState[] = []
  before(() => void (copier = createCopier(runtime.open)))
  afterEach(async () => {
    for (const state of states.splice(0)) await state.release()
  })
  after(() => copier.release())

  async function make(weights: ReadonlyMap<string, Weights>, options: StateOptions): Promise<TrainingState> {
    const state = await runtime.state(
      new Map([...weights].map(([name, { shape }]) => [name, shape])),
      options,
    )
    states.push(state)
    for (const [name, { p }] of weights) await state.write(name, 'parameter', Float32Array.from(p))
    return state
  }
  const tracedOf = (weights: ReadonlyMap<string, Weights>): Set<string> =>
    new Set([...weights].flatMap(([name, { traced }]) => (traced ? [name] : [])))

  async function differentiate(state: TrainingState, weights: ReadonlyMap<string, Weights>, share = 1) {
    for (const [name, { shape, g }] of weights) {
      const data = Float32Array.from(g, (x) => Math.fround(x * share))
      await copier.write({ dtype: 'float32', dims: shape, data }, state.gradients[`${name}_grad`]!)
    }
  }

  for (const third_factor of THIRD_FACTORS)
    it(`makes steps as the formulas say, third factor ${third_factor}`, async () => {
      const weights = someWeights()
      const state = await make(weights, { traced: tracedOf(weights) })
      for (let step = 1; step <= 20; step++) {
        fillGradients(weights, step)
        await differentiate(state, weights)
        const plastic = plasticStep({ ...rule, third_factor }, Math.sin(step))
        const expected = referenceStep(weights, { ...adamw, step, plastic })
        const found = await state.step({ ...adamw, step, plastic })
        expect(found.skipped).to.equal(false)
        expect(found.gradNorm / expected.gradNorm).to.be.closeTo(1, 1e-6)
        expect(found.eligibilityNorm! / expected.eligibilityNorm).to.be.closeTo(1, 1e-6)
      }
      for (const [name, { p, m, v, e, traced }] of weights) {
        const distance = async (slot: Parameters<TrainingState['read']>[1], to: Float64Array) =>
          furthest(await state.read(name, slot), to)
        expect(await distance('parameter', p), name).to.be.lessThan(1e-6)
        expect(await distance('exp_avg', m), `m of ${name}`).to.be.lessThan(1e-6)
        expect(await distance('exp_avg_sq', v), `v of ${name}`).to.be.lessThan(1e-6)
        expect(state.slots(name).includes('eligibility')).to.equal(traced)
        if (traced) expect(await distance('eligibility', e), `e of ${name}`).to.be.lessThan(1e-5)
      }
    })

  it('goes on from what was read of another as that one does', async () => {
    const weights = someWeights()
    const traced = tracedOf(weights)
    const [first, second] = [await make(weights, { traced }), await make(weights, { traced })]
    const plastic = plasticStep({ ...rule, third_factor: 'published' }, 0)
    const take = async (state: TrainingState, step: number) => {
      fillGradients(weights, step)
      await differentiate(state, weights)
      return state.step({ ...adamw, step, plastic })
    }
    for (let step = 1; step <= 3; step++) await take(first, step)
    for (const name of first.names)
      for (const slot of ['parameter', ...first.slots(name)] as const)
        await second.write(name, slot, (await first.read(name, slot)).slice())
    expect(await take(second, 4)).to.deep.equal(await take(first, 4))
    for (const name of first.names)
      expect(await second.read(name, 'parameter')).to.deep.equal(await first.read(name, 'parameter'))
  })

  it('takes the sum of micro-batches, and forgets them when the step is made or left', async () => {
    const weights = someWeights()
    const [whole, parts] = [await make(weights, {}), await make(weights, { accumulate: true })]
    const accumulate = async () => {
      await differentiate(parts, weights, 0.5)
      await parts.accumulate()
    }
    for (let step = 1; step <= 3; step++) {
      fillGradients(weights, 7)
      await accumulate()
      parts.discard()
      fillGradients(weights, step)
      for (let half = 0; half < 4; half++) await accumulate()
      await differentiate(whole, weights, 2)
      const [a, b] = [await whole.step({ ...adamw, step }), await parts.step({ ...adamw, step })]
      expect(b.gradNorm / a.gradNorm).to.be.closeTo(1, 1e-6)
      for (const name of whole.names)
        expect(
          furthest(await parts.read(name, 'parameter'), await whole.read(name, 'parameter')),
        ).to.be.lessThan(1e-6)
    }
  })

  for (const bad of [NaN, Infinity])
    it(`makes no step of a gradient with ${bad}, and names its tensor or leaves the step out`, async () => {
      const weights = someWeights()
      const state = await make(weights, {})
      fillGradients(weights, 1)
      await differentiate(state, weights)
      await state.step({ ...adamw, step: 1 })
      const before = await readAll(state)
      weights.get('wte')!.g[5] = bad
      await differentiate(state, weights)
      const error = await state.step({ ...adamw, step: 2, runStep: 5 }).catch((thrown: Error) => thrown)
      expect((error as Error).message).to.equal(
        'the gradient of wte is not finite at step 5; lower the learning rate',
      )
      expect(await state.step({ ...adamw, step: 2, skipNotFinite: true })).to.deep.equal({
        gradNorm: 0,
        skipped: true,
      })
      expect(await readAll(state)).to.deep.equal(before)
      fillGradients(weights, 2)
      await differentiate(state, weights)
      await state.step({ ...adamw, step: 2 })
      expect(await readAll(state)).not.to.deep.equal(before)
    })
}

async function readAll(state: TrainingState): Promise<number[][]> {
  const all: number[][] = []
  for (const name of state.names)
    for (const slot of ['parameter', ...state.slots(name)] as const)
      all.push(Array.from(await state.read(name, slot)))
  return all
}
