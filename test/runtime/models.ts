/**
 * Small graphs for the runtime's tests.
 * @module
 */
import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { add, greater, identity, mul, reduceSum, where } from '../../graphs/ops/index.ts'

/** a, b [n] → sum = a + b, product = a·b, larger = [a > b] */
export function arithmetic(): Uint8Array {
  const graph = new Graph('arithmetic')
  const a = graph.input('a', 'float32', ['n'])
  const b = graph.input('b', 'float32', ['n'])
  graph.output('sum', add(a, b))
  graph.output('product', mul(a, b))
  graph.output('larger', greater(a, b))
  return serialize(graph)
}

/** Element types in and out: mask ? x : −x for floats, x + x for whole numbers, others as they are. */
export function everyDType({ wide }: { readonly wide: boolean }): Uint8Array {
  const graph = new Graph('dtypes')
  const mask = graph.input('mask', 'bool', ['n'])
  for (const dtype of wide ? (['float32', 'float64'] as const) : (['float32'] as const)) {
    const x = graph.input(dtype, dtype, ['n'])
    graph.output(`${dtype}_out`, where(mask, x, mul(x, -1)))
  }
  for (const dtype of ['int32', 'int64'] as const) {
    const x = graph.input(dtype, dtype, ['n'])
    graph.output(`${dtype}_out`, add(x, x))
  }
  graph.output('float16_out', identity(graph.input('float16', 'float16', ['n'])))
  graph.output('mask_out', identity(mask))
  return serialize(graph)
}

/** x [n] → loss = Σ x² (a scalar), x_grad = 2x */
export function squares(): Uint8Array {
  const graph = new Graph('squares')
  const x = graph.input('x', 'float32', ['n'])
  graph.output('loss', reduceSum(mul(x, x), [0], false))
  graph.output('x_grad', add(x, x))
  return serialize(graph)
}

/** x [3] → y = x + w, w in weights.bin from byte 5 on. */
export function withExternalWeight(): { model: Uint8Array; weights: Uint8Array } {
  const graph = new Graph('external')
  const x = graph.input('x', 'float32', [3])
  const w = graph.initializer('w', 'float32', [3], { location: 'weights.bin', offset: 5, length: 12 })
  graph.output('y', add(x, w))
  const weights = new Uint8Array(17)
  weights.set(new Uint8Array(Float32Array.of(10, 20, 30).buffer), 5)
  return { model: serialize(graph), weights }
}
