import { expect } from 'chai'

import type { FloatType } from '../../graphs/ir/dtype.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { bertFamily } from '../../graphs/models/bert.ts'
import { adamwGraph } from '../../graphs/optimizers/adamw.ts'
import { THIRD_FACTORS, plasticTensors, plasticUpdateGraph } from '../../graphs/optimizers/plastic.ts'
import { plasticStep } from '../../src/learning/plastic.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds, HostTensor } from '../../src/runtime/session.ts'
import { fillGradients, furthest, referenceStep, someWeights } from '../runtime/plastic_reference.ts'
import { tinyBert } from './tiny_bert.ts'
import { toHost } from './tensor.ts'

const adamw = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01, max_grad_norm: 1 }
const rule = { plasticity_lr: 1e-2, gamma: 0.95, beta: 1.5, lambda_decay: 0.01 }
const learningRate = 1e-3

/** Twenty steps of both graphs, one after the other, beside the formulas; each number within a tolerance. */
async function compare(
  third_factor: (typeof THIRD_FACTORS)[number],
  dtype: FloatType,
  within: number,
): Promise<void> {
  const weights = someWeights()
  const shapes = new Map([...weights].map(([name, { shape }]) => [name, shape]))
  const traced = new Map([...weights].flatMap(([name, w]) => (w.traced ? [[name, w.shape]] : [])))
  const optimizer = await openNodeSession(serialize(adamwGraph(shapes, adamw, dtype)))
  const plastic = await openNodeSession(
    serialize(plasticUpdateGraph(traced, { ...rule, third_factor }, adamw.max_grad_norm, dtype)),
  )
  const scalar = (x: number) => toHost({ shape: [], data: [x] }, dtype)
  const tensor = (shape: readonly number[], data: Float64Array) => toHost({ shape, data: [...data] }, dtype)
  const state: Record<string, HostTensor> = {}
  for (const [name, { shape, p, m, v, e }] of weights) {
    state[name] = tensor(shape, p)
    state[`${name}_exp_avg`] = tensor(shape, m)
    state[`${name}_exp_avg_sq`] = tensor(shape, v)
    state[`${name}_eligibility`] = tensor(shape, e)
  }
  const take = (outputs: Feeds) => {
    for (const [name, value] of Object.entries(outputs))
      if (name.endsWith('_new')) state[name.slice(0, -'_new'.length)] = value
  }
  for (let step = 1; step <= 20; step++) {
    fillGradients(weights, step)
    for (const [name, { shape, g }] of weights) state[`${name}_grad`] = tensor(shape, g)
    const named = (suffixes: readonly string[], of: ReadonlyMap<string, unknown>) =>
      Object.fromEntries(
        [...of.keys()].flatMap((name) => suffixes.map((end) => [name + end, state[name + end]!])),
      )
    const stepped = await optimizer.run({
      ...named(['', '_grad', '_exp_avg', '_exp_avg_sq'], shapes),
      ...{ learning_rate: scalar(learningRate), step: scalar(step) },
    })
    take(stepped)
    const improvement = Math.sin(step)
    const updated = await plastic.run({
      ...named(['', '_grad', '_eligibility'], traced),
      grad_norm: stepped['grad_norm']!,
      ...(third_factor === 'reward' ? { third_factor: scalar(improvement) } : {}),
    })
    take(updated)
    const { beta1, beta2, epsilon, weight_decay: weightDecay, max_grad_norm: maxGradNorm } = adamw
    const expected = referenceStep(weights, {
      ...{ learningRate, step, beta1, beta2, epsilon, weightDecay, maxGradNorm },
      plastic: plasticStep({ ...rule, third_factor }, improvement),
    })
    expect((updated['eligibility_norm']!.data[0] as number) / expected.eligibilityNorm).to.be.closeTo(
      1,
      within,
    )
    for (const [name, { p, e }] of weights) {
      expect(furthest(state[name]!.data, p), `${name} at ${step}`).to.be.lessThan(within)
      expect(furthest(state[`${name}_eligibility`]!.data, e), `e of ${name} at ${step}`).to.be.lessThan(
        within,
      )
    }
  }
  await optimizer.release()
  await plastic.release()
}

describe('the plastic update as a graph', () => {
  for (const third_factor of THIRD_FACTORS) {
    it(`follows AdamW as the formulas do, third factor ${third_factor}`, () =>
      compare(third_factor, 'float64', 1e-12))
    it(`does so in float32, third factor ${third_factor}`, () => compare(third_factor, 'float32', 1e-6))
  }

  it('is for weight matrices: not for embeddings, biases and norms', () => {
    const shapes = bertFamily.shapes(tinyBert)
    const chosen = [...plasticTensors(tinyBert, shapes).keys()]
    expect(chosen.every((name) => name.endsWith('.weight') && shapes.get(name)!.length === 2)).to.equal(true)
    expect(chosen.filter((name) => /embeddings|norm|bias/i.test(name))).to.deep.equal([])
    expect(chosen.filter((name) => name.includes('layer.0.')).length).to.equal(6)
  })
})
