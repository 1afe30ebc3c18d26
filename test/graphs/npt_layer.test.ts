import { expect } from 'chai'
import fc from 'fast-check'

import { gradients } from '../../graphs/autodiff.ts'
import type { Value } from '../../graphs/ir/graph.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { Shape } from '../../graphs/ir/shape.ts'
import { linear } from '../../graphs/layers/linear.ts'
import { magnitude, modulation, plasticLinear, updateNorms } from '../../graphs/layers/npt.ts'
import { klDivergence } from '../../graphs/losses/distillation.ts'
import { mul, reduceSum, tanh } from '../../graphs/ops/index.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { HostTensor, Session } from '../../src/runtime/session.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import type { Tensor } from './tensor.ts'
import { constant, fromHost, random, read, tensor, toHost } from './tensor.ts'

const SCALE = 0.7

/** float64 inputs of these tensors, and their feeds. */
function declare<Name extends string>(tensors: Readonly<Record<Name, Tensor>>) {
  const graph = new Graph('npt')
  const entries = Object.entries<Tensor>(tensors)
  const values = entries.map(([name, { shape }]) => [name, graph.input(name, 'float64', shape)])
  return {
    graph,
    values: Object.fromEntries(values) as Record<Name, Value>,
    feeds: Object.fromEntries(entries.map(([name, x]) => [name, toHost(x, 'float64')])),
  }
}

/** Σ x∘weights, with weights that differ. */
function weighed(x: Value): Value {
  const { data } = random('loss weights', x.shape as number[], 0.5, 2)
  return reduceSum(
    mul(x, x.graph.constant(data, 'float64', x.shape)),
    x.shape.map((_, axis) => axis),
    false,
  )
}

const plastic = {
  u: random('u', [5, 4]),
  attended: random('attended', [5, 4], -1, 1),
  weight: random('weight', [4, 6]),
  bias: random('bias', [6]),
  A: random('A', [4, 3], -1, 1),
  B: random('B', [3, 6]),
}

/** ΔW of a token by its definition: Σᵣ A[i, r]·s·tanh(a·A[:, r])·B[r, j]. [in, out] */
function update(attended: Tensor, A: Tensor, B: Tensor, token: number): Tensor {
  const [width, rank] = A.shape as [number, number]
  const m = Array.from({ length: rank }, (_, r) => {
    const dot = Array.from({ length: width }, (_, i) => read(attended, [token, i]) * read(A, [i, r]))
    return SCALE * Math.tanh(dot.reduce((sum, x) => sum + x, 0))
  })
  return tensor([width, B.shape[1]!], ([i, j]) =>
    m.reduce((sum, factor, r) => sum + read(A, [i!, r]) * factor * read(B, [r, j!]), 0),
  )
}

describe('layers/npt', () => {
  it('adds u·ΔW to a linear layer, with ΔW = A·diag(m)·B of each token', async () => {
    const { graph, values, feeds } = declare(plastic)
    const { u, attended, weight, bias, A, B } = values
    const block = { A, B, scale: SCALE }
    const y = plasticLinear(u, linear(u, weight, bias), modulation(attended, block), block)
    graph.output('y', y)
    giveOutGradients(weighed(tanh(y)), Object.values(values))
    const { outputs } = await checkGradients(graph, feeds)
    const got = fromHost(outputs['y']!)
    for (const token of Array(5).keys()) {
      const delta = update(plastic.attended, plastic.A, plastic.B, token)
      for (const j of Array(6).keys()) {
        const expected = [0, 1, 2, 3].reduce(
          (sum, i) =>
            sum + read(plastic.u, [token, i]) * (read(plastic.weight, [i, j]) + read(delta, [i, j])),
          read(plastic.bias, [j]),
        )
        expect(read(got, [token, j])).to.be.closeTo(expected, 1e-12)
      }
    }
  })

  it('has the gradients of modulation and norms by attention, A and B', async () => {
    const { attended: a, A: first, B: second } = plastic
    const { graph, values, feeds } = declare({ attended: a, A: first, B: second })
    const { attended, A, B } = values
    const block = { A, B, scale: SCALE }
    giveOutGradients(weighed(updateNorms(modulation(attended, block), block)), Object.values(values))
    await checkGradients(graph, feeds)
  })

  it('has the magnitude (‖A‖ + ‖B‖)/2 with its gradients, finite at zero', async () => {
    const { graph, values, feeds } = declare({ A: plastic.A, B: plastic.B })
    const loss = magnitude({ ...values, scale: SCALE })
    giveOutGradients(loss, [values.A, values.B])
    const { outputs } = await checkGradients(graph, feeds)
    const norm = ({ data }: Tensor) => Math.sqrt(data.reduce((sum, x) => sum + x * x, 0))
    expect(outputs['loss']!.data[0]).to.be.closeTo((norm(plastic.A) + norm(plastic.B)) / 2, 1e-10)

    const zeros = Object.entries(feeds).map(([name, x]) => [
      name,
      { ...x, data: new Float64Array(x.data.length) },
    ])
    const session = await openNodeSession(serialize(graph))
    const atZero = await session.run(Object.fromEntries(zeros) as Record<string, HostTensor>)
    await session.release()
    for (const name of ['A_grad', 'B_grad'])
      expect(Math.max(...(atZero[name]!.data as Float64Array)), name).to.equal(0)
  })

  describe('norms of ΔW without forming it', () => {
    let session: Session
    before(async () => {
      const graph = new Graph('norms')
      const input = (name: string, shape: Shape) => graph.input(name, 'float64', shape)
      const block = { A: input('A', ['in', 'rank']), B: input('B', ['rank', 'out']), scale: SCALE }
      const m = modulation(input('attended', ['tokens', 'in']), block)
      graph.output('norms', updateNorms(m, block))
      session = await openNodeSession(serialize(graph))
    })
    after(() => session.release())

    async function norms(tensors: Readonly<Record<'attended' | 'A' | 'B', Tensor>>): Promise<number[]> {
      const feeds = Object.entries(tensors).map(([name, x]) => [name, toHost(x, 'float64')])
      const { norms } = await session.run(Object.fromEntries(feeds) as Record<string, HostTensor>)
      return [...(norms!.data as Float64Array)]
    }
    const explicit = ({ attended, A, B }: Readonly<Record<'attended' | 'A' | 'B', Tensor>>): number[] =>
      Array.from({ length: attended.shape[0]! }, (_, token) =>
        Math.sqrt(update(attended, A, B, token).data.reduce((sum, x) => sum + x * x, 0)),
      )

    it("are those of each token's matrix, for any shapes", async () => {
      const size = fc.integer({ min: 1, max: 7 })
      await fc.assert(
        fc.asyncProperty(size, size, size, size, fc.nat(), async (count, width, rank, out, seed) => {
          const tensors = {
            attended: random(`attended ${seed}`, [count, width]),
            A: random(`A ${seed}`, [width, rank]),
            B: random(`B ${seed}`, [rank, out]),
          }
          const [got, expected] = [await norms(tensors), explicit(tensors)]
          expect(got.length).to.equal(count)
          got.forEach((norm, t) =>
            expect(Math.abs(norm - expected[t]!)).to.be.at.most(1e-10 * Math.max(1, expected[t]!)),
          )
        }),
        { numRuns: 40 },
      )
    })

    it('are numbers where the rank-one parts cancel: rounding below zero has no root', async () => {
      for (const seed of Array(20).keys()) {
        // All columns of A are one, so all modulations are; the rows of B sum to zero, and so does ΔW.
        const column = random(`column ${seed}`, [4])
        const rows = random(`rows ${seed}`, [2, 5])
        const tensors = {
          attended: random(`attended ${seed}`, [6, 4]),
          A: tensor([4, 3], ([i]) => read(column, [i!])),
          B: tensor([3, 5], ([r, j]) =>
            r! < 2 ? read(rows, [r!, j!]) : -read(rows, [0, j!]) - read(rows, [1, j!]),
          ),
        }
        for (const norm of await norms(tensors)) expect(norm).to.be.within(0, 1e-6)
      }
    })
  })
})

describe('losses/distillation', () => {
  const z = random('teacher', [4, 7])
  const y = random('student', [4, 7])

  it('is Σ P·log(P/Q), with the gradient by the student alone', async () => {
    const { graph, values, feeds } = declare({ teacher: z, student: y })
    const kl = klDivergence(values.teacher, values.student)
    graph.output('kl', kl)
    giveOutGradients(weighed(kl), [values.student])
    const { outputs } = await checkGradients(graph, feeds)
    const logSoftmax = (x: Tensor, row: number) => {
      const logits = x.data.slice(7 * row, 7 * (row + 1))
      const normaliser = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0))
      return logits.map((logit) => logit - normaliser)
    }
    for (const row of Array(4).keys()) {
      const [logP, logQ] = [logSoftmax(z, row), logSoftmax(y, row)]
      const expected = logP.reduce((sum, log, v) => sum + Math.exp(log) * (log - logQ[v]!), 0)
      expect(outputs['kl']!.data[row]).to.be.closeTo(expected, 1e-12)
    }
    expect(() => gradients(weighed(kl), [values.teacher])).to.throw('does not depend on "teacher"')
  })

  it('is zero for equal logits, and finite where probabilities underflow', async () => {
    const far = constant(
      [4, 7],
      Array.from({ length: 28 }, (_, i) => 1e4 * ((i % 3) - 1)),
    )
    for (const [teacher, student] of [
      [z, z],
      [far, far],
      [far, z],
      [z, far],
    ] as const) {
      const { graph, values, feeds } = declare({ teacher, student })
      graph.output('kl', klDivergence(values.teacher, values.student))
      const session = await openNodeSession(serialize(graph))
      const { kl } = await session.run(feeds)
      await session.release()
      for (const value of kl!.data as Float64Array)
        if (teacher === student) expect(value).to.be.closeTo(0, 1e-12)
        else expect(value).to.be.within(0.1, 1e5)
    }
  })
})
