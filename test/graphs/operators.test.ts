import { expect } from 'chai'

import { gradients } from '../../graphs/autodiff.ts'
import type { Value } from '../../graphs/ir/graph.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { evaluateDim } from '../../graphs/ir/shape.ts'
import * as ops from '../../graphs/ops/index.ts'
import { add, mul, reduceSum } from '../../graphs/ops/index.ts'
import type { OperatorName } from '../../graphs/ops/operators.ts'
import { operators } from '../../graphs/ops/operators.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { HostTensor } from '../../src/runtime/session.ts'
import { checkGradients, giveOutGradients } from './check_gradients.ts'
import { operatorCases } from './cases/index.ts'
import type { OperatorCase } from './cases/case.ts'
import { withFloat64Erf } from './float64_erf.ts'
import { fromHost, random, toHost } from './tensor.ts'

/** The case's graph up to the operator's results, and what to feed it. */
function start({ inputs, dtypes, shapes, build }: OperatorCase) {
  const graph = new Graph('operator')
  const dtypeOf = (i: number) => dtypes?.[i] ?? 'float64'
  const values = inputs.map(({ shape }, i) => graph.input(`x${i}`, dtypeOf(i), shapes?.[i] ?? shape))
  const feeds: Record<string, HostTensor> = Object.fromEntries(
    inputs.map((x, i) => [`x${i}`, toHost(x, dtypeOf(i))]),
  )
  const outputs = [build(...values)].flat<(Value | readonly Value[])[]>()
  return { graph, values, outputs, feeds }
}

/** Σ over the results of Σ result∘weights, with fixed weights; adds them to the feeds. */
function weighedSum(
  { inputs, expected }: OperatorCase,
  outputs: readonly Value[],
  feeds: Record<string, HostTensor>,
): Value {
  const shapes = [expected(...inputs)].flat().map(({ shape }) => shape)
  return outputs
    .map((output, i) => {
      const name = `weights_${i}`
      feeds[name] = toHost(random(name, shapes[i]!, 0.5, 2), 'float64')
      return total(mul(output, output.graph.input(name, 'float64', output.shape)))
    })
    .reduce(add)
}

const total = (x: Value): Value =>
  reduceSum(
    x,
    x.shape.map((_, axis) => axis),
    false,
  )

/** What the symbols in the declared shapes stand for. */
function bindingOf({ inputs, shapes }: OperatorCase): Record<string, number> {
  const pairs = (shapes ?? []).flatMap((shape, i) =>
    shape.map((dim, axis) => [dim, inputs[i]!.shape[axis]!] as const),
  )
  return Object.fromEntries(pairs.filter(([dim]) => typeof dim === 'string'))
}

const wantedOf = (one: OperatorCase): readonly number[] =>
  one.differentiable ??
  one.inputs.flatMap((_, i) => ((one.dtypes?.[i] ?? 'float64') === 'float64' ? [i] : []))

describe('operators', () => {
  it('have names that are their keys, and cases', () => {
    expect(Object.keys(operatorCases).sort()).to.deep.equal(Object.keys(operators).sort())
    for (const [name, operator] of Object.entries(operators)) expect(operator.name).to.equal(name)
  })

  it('are all in the record', () => {
    const defined = Object.values(ops).filter((one) => typeof one === 'object')
    expect(Object.values(operators)).to.have.members(defined)
  })

  for (const [name, cases] of Object.entries(operatorCases)) {
    describe(name, () => {
      for (const one of cases) {
        it(`computes ${one.title}`, async () => {
          const { graph, outputs, feeds } = start(one)
          expect(graph.nodes.map(({ operator }) => operator.name)).to.include(name)
          outputs.forEach((output, i) => graph.output(`y${i}`, output))
          const model = serialize(graph)
          const session = await openNodeSession(
            one.dtypes?.includes('float32') ? model : withFloat64Erf(model),
          )
          const got = await session.run(feeds)
          await session.release()
          ;[one.expected(...one.inputs)].flat().forEach((expected, i) => {
            const result = got[`y${i}`]!
            const tolerance = result.dtype === 'float32' ? 1e-6 : 1e-11
            expect(result.dtype).to.equal(outputs[i]!.dtype)
            expect(result.dims).to.deep.equal(expected.shape)
            fromHost(result).data.forEach((value, at) =>
              expect(value, `element ${at}`).to.be.closeTo(
                expected.data[at]!,
                tolerance * Math.max(1, Math.abs(value)),
              ),
            )
          })
        })

        if (wantedOf(one).length === 0) continue
        it(`has the gradient of ${one.title}, and infers every shape on the way`, async () => {
          const { graph, values, outputs, feeds } = start(one)
          giveOutGradients(
            weighedSum(one, outputs, feeds),
            wantedOf(one).map((i) => values[i]!),
          )
          const inferred = graph.nodes.flatMap((node) => node.outputs)
          inferred.forEach((value, i) => graph.output(`value_${i}`, value))
          const { outputs: got } = await checkGradients(graph, feeds)
          const binding = bindingOf(one)
          inferred.forEach((value, i) => {
            const { dtype, dims } = got[`value_${i}`]!
            expect(dtype, value.name).to.equal(value.dtype)
            expect(dims, value.name).to.deep.equal(value.shape.map((dim) => evaluateDim(dim, binding)))
          })
        })
      }
    })
  }

  const blocked = Object.entries(operators).filter(([, { gradient }]) => gradient === 'not differentiable')
  for (const [name] of blocked) {
    it(`${name} stops a gradient with an error that names it and its scope`, () => {
      const one = operatorCases[name as OperatorName][0]!
      const { outputs, values } = start({
        ...one,
        build: (...inputs) => inputs[0]!.graph.scope('outer', () => one.build(...inputs)),
      })
      const loss = total(outputs.at(-1)!)
      expect(() => gradients(loss, values)).to.throw(
        new RegExp(`^${name} at outer/${name}\\S* is not differentiable`),
      )
    })
  }
})
