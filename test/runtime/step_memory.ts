/**
 * How much memory a training step takes: `step_memory.ts <activation, "attention" or "head">` prints a {@link StepMemory} as JSON. A process of
 * its own, so that the memory is its own.
 * @module
 */

import { gradients } from '../../graphs/autodiff.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import type { Value } from '../../graphs/ir/graph.ts'
import type { ActivationName } from '../../graphs/layers/activation.ts'
import { activations } from '../../graphs/layers/activation.ts'
import { attention } from '../../graphs/layers/attention.ts'
import { add, gemm, reduceSum, reshape } from '../../graphs/ops/index.ts'
import { tokenLogProbabilities } from '../../graphs/losses/token_log_probabilities.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import { peakMemory } from '../peak_memory.ts'

/** In tensors of 4 MiB: what a layer's activation takes and gives, or the probabilities of its attention; the logits are sixteen. */
export interface StepMemory {
  /** By how many tensors the process has grown at its highest. */
  readonly tensors: number
  /** By how many more with another session of the same graph. */
  readonly again: number
}

const LAYERS = 48
const BYTES = 2 ** 22
const WIDTH = 64
const ROWS = BYTES / 4 / WIDTH
const VOCABULARY = 65536
const LABELLED = (16 * BYTES) / 4 / VOCABULARY
const POSITIONS = Math.floor(Math.sqrt(BYTES / 4 / 2))
const what = process.argv[2]!

/** [rows, width] to the same, through one activation of that size. */
function activated(x: Value, name: ActivationName): Value {
  const square = x.graph.initializer('w', 'float32', [WIDTH, WIDTH], bytes(WIDTH * WIDTH, 0.02))
  let h = x
  for (let layer = 0; layer < LAYERS; layer++) h = activations[name](gemm(h, square))
  return h
}

/** [1, 2, positions, 4] to the same, through probabilities of [1, 2, positions, positions]. */
function attended(x: Value): Value {
  const { graph } = x
  const mask = graph.scalar(0, 'float32')
  let h = reshape(x, [1, 2, POSITIONS, 4])
  for (let layer = 0; layer < LAYERS; layer++) h = add(h, attention(h, h, h, mask, 0.5))
  return h
}

/** The log-probabilities of a large vocabulary's tokens. */
function predicted(h: Value): Value {
  const { graph } = h
  const head = graph.initializer('head', 'float32', [VOCABULARY, 4], bytes(VOCABULARY * 4, 0.02))
  return tokenLogProbabilities(h, head, graph.constant(new Array<number>(LABELLED).fill(1), 'int64')).logp
}

const bytes = (count: number, value: number): Uint8Array =>
  new Uint8Array(new Float32Array(count).fill(value).buffer)

const [dims, build] = (
  {
    attention: [[POSITIONS, 8], attended],
    head: [[LABELLED, 4], predicted],
  } as Record<string, readonly [readonly number[], (x: Value) => Value]>
)[what] ?? [[ROWS, WIDTH], (x: Value) => activated(x, what as ActivationName)]
const graph = new Graph('step')
const x = graph.input('x', 'float32', dims)
const y = build(x)
const axes = y.shape.map((_, axis) => axis)
const loss = reduceSum(y, axes, false)
graph.output('loss', loss)
graph.output('dx', gradients(loss, [x]).get(x)!)

const feeds = {
  x: { dtype: 'float32' as const, dims, data: new Float32Array(dims[0]! * dims[1]!).fill(0.01) },
}
const step = async () => void (await (await openNodeSession(serialize(graph))).run(feeds))

const before = peakMemory()
await step()
const first = peakMemory()
await step()
const measured: StepMemory = { tensors: (first - before) / BYTES, again: (peakMemory() - first) / BYTES }
process.stdout.write(JSON.stringify(measured))
process.exit()
