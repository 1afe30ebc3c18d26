/**
 * The machine's own sgemm ceiling: how fast ONNX Runtime multiplies matrices when it does nothing else.
 * @module
 */
import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { gemm } from '../../graphs/ops/index.ts'
import { openNodeSession } from '../../src/runtime/node.ts'

/** GPT-2 small's MLP, in both directions: [rows, 768]·[768, 3072]·[3072, 768], over and over. */
const ROWS = 512
const WIDTH = 768
const INNER = 3072
const REPEATS = 8
const FLOPS = REPEATS * 2 * (2 * ROWS * WIDTH * INNER)

/** Opens the ceiling's session. The function it gives runs it once and returns FLOP/s. */
export async function openCeiling(): Promise<() => Promise<number>> {
  const graph = new Graph('ceiling')
  const weight = (name: string, shape: number[]) =>
    graph.initializer(
      name,
      'float32',
      shape,
      new Uint8Array(new Float32Array(WIDTH * INNER).fill(0.02).buffer),
    )
  const up = weight('up', [WIDTH, INNER])
  const down = weight('down', [INNER, WIDTH])
  let x = graph.input('x', 'float32', ['rows', WIDTH])
  for (let i = 0; i < REPEATS; i++) x = gemm(gemm(x, up), down)
  graph.output('y', x)
  const session = await openNodeSession(serialize(graph))
  const feeds = {
    x: { dtype: 'float32' as const, dims: [ROWS, WIDTH], data: new Float32Array(ROWS * WIDTH) },
  }
  const measure = async (): Promise<number> => {
    const start = performance.now()
    await session.run(feeds)
    return FLOPS / ((performance.now() - start) / 1000)
  }
  await measure()
  return measure
}
