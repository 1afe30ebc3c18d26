import { expect } from 'chai'

import { serialize } from '../../graphs/ir/serialize.ts'
import { sizeOf } from '../../graphs/ir/shape.ts'
import type { AdamWConfig } from '../../graphs/optimizers/adamw.ts'
import { adamwGraph, isDecayed } from '../../graphs/optimizers/adamw.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { HostTensor } from '../../src/runtime/session.ts'
import { random, toHost } from './tensor.ts'

const config: AdamWConfig = { beta1: 0.9, beta2: 0.99, epsilon: 1e-6, weight_decay: 0.1, max_grad_norm: 0.5 }
const shapes = new Map([
  ['weight', [4, 3]],
  ['bias', [7]],
  ['scale', [1]],
])

/** One step over a tensor as in the paper's algorithm 2, with the gradient already clipped. */
function referenceStep(
  { beta1, beta2, epsilon }: AdamWConfig,
  [p, g, m, v]: [p: number, g: number, m: number, v: number],
  { rate, step, decay }: { rate: number; step: number; decay: number },
): [p: number, m: number, v: number] {
  const newM = beta1 * m + (1 - beta1) * g
  const newV = beta2 * v + (1 - beta2) * g * g
  const mHat = newM / (1 - beta1 ** step)
  const vHat = newV / (1 - beta2 ** step)
  return [p - rate * (mHat / (Math.sqrt(vHat) + epsilon) + decay * p), newM, newV]
}

async function step(settings: AdamWConfig, rate: number, count: number) {
  const feeds: Record<string, HostTensor> = {
    learning_rate: toHost({ shape: [], data: [rate] }, 'float64'),
    step: toHost({ shape: [], data: [count] }, 'float64'),
  }
  for (const [name, shape] of shapes) {
    for (const part of ['', '_grad', '_exp_avg'])
      feeds[name + part] = toHost(random(name + part, shape), 'float64')
    feeds[`${name}_exp_avg_sq`] = toHost(random(`${name}_exp_avg_sq`, shape, 0.01, 1), 'float64')
  }
  const session = await openNodeSession(serialize(adamwGraph(shapes, settings, 'float64')))
  const outputs = await session.run(feeds)
  await session.release()
  return { feeds, outputs }
}

describe('AdamW as a graph', () => {
  for (const [title, changes] of [
    ['clips, decays matrices and corrects the bias', {}],
    ['clips nothing below the norm', { max_grad_norm: 1000 }],
    ['leaves gradients alone without a norm', { max_grad_norm: null }],
    ['decays nothing without weight decay', { weight_decay: 0 }],
  ] as const) {
    it(`${title}, as the formula does`, async () => {
      const settings = { ...config, ...changes }
      const { feeds, outputs } = await step(settings, 0.01, 3)
      const gradients = [...shapes.keys()].flatMap((name) => [
        ...(feeds[`${name}_grad`]!.data as Float64Array),
      ])
      const norm = Math.sqrt(gradients.reduce((sum, g) => sum + g * g, 0))
      expect(outputs['grad_norm']!.data[0]).to.be.closeTo(norm, 1e-12)
      const clip = Math.min(1, (settings.max_grad_norm ?? Infinity) / (norm + 1e-6))
      for (const [name, shape] of shapes) {
        const old = ['', '_grad', '_exp_avg', '_exp_avg_sq'].map(
          (part) => feeds[name + part]!.data as Float64Array,
        )
        const decay = isDecayed(shape) ? settings.weight_decay : 0
        for (let i = 0; i < sizeOf(shape); i++) {
          const [p, g, m, v] = old.map((values) => values[i]!) as [number, number, number, number]
          const expected = referenceStep(settings, [p, g * clip, m, v], { rate: 0.01, step: 3, decay })
          ;['_new', '_exp_avg_new', '_exp_avg_sq_new'].forEach((part, which) =>
            expect(outputs[name + part]!.data[i], `${name}${part}[${i}]`).to.be.closeTo(
              expected[which]!,
              1e-12,
            ),
          )
        }
      }
    })
  }

  it('sums the squares of a large tensor in float32 to seven digits', async () => {
    const shape = [3000, 1000]
    const value = 0.1
    const zeros = (): HostTensor => ({ dtype: 'float32', dims: shape, data: new Float32Array(sizeOf(shape)) })
    const gradient = zeros()
    ;(gradient.data as Float32Array).fill(value)
    const session = await openNodeSession(serialize(adamwGraph(new Map([['large', shape]]), config)))
    const scalar = (x: number): HostTensor => ({ dtype: 'float32', dims: [], data: Float32Array.of(x) })
    const outputs = await session.run({
      learning_rate: scalar(0.1),
      step: scalar(1),
      large: zeros(),
      large_grad: gradient,
      large_exp_avg: zeros(),
      large_exp_avg_sq: zeros(),
    })
    await session.release()
    const expected = Math.fround(value) * Math.sqrt(sizeOf(shape))
    expect((outputs['grad_norm']!.data[0] as number) / expected).to.be.closeTo(1, 1e-6)
  })
})
