/**
 * The gradients of a graph against differences of its own loss, in float64 and by the same runtime.
 *
 * f′(x) ≈ (8·(f(x + h) − f(x − h)) − (f(x + 2h) − f(x − 2h))) / 12h, which is exact up to order h⁴.
 * @module
 */
import { expect } from 'chai'

import { outputGradients } from '../../graphs/autodiff.ts'
import { checkpointed } from '../../graphs/checkpointing.ts'
import type { Graph, Value } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { createRandom } from '../../src/random.ts'
import { openNodeSession } from '../../src/runtime/node.ts'
import type { Feeds, HostTensor, Session } from '../../src/runtime/session.ts'
import { withFloat64Erf } from './float64_erf.ts'

/** The bound that the project sets for every gradient. */
export const TOLERANCE = 1e-6

export interface CheckOptions {
  /** Elements checked per tensor: the one of the largest gradient and random ones. All where absent. */
  readonly elements?: number
  /** h, 1e-4 where absent: far enough from rounding and from the order h⁴ for elements of about 1. */
  readonly step?: number
  /** Where the frozen weights lie, where the graph points to some. */
  readonly folder?: string
}

/** Gives out `loss` and the gradients by the `wanted` inputs as `<name>_grad`. */
export function giveOutGradients(loss: Value, wanted: readonly Value[]): Graph {
  loss.graph.output('loss', loss)
  outputGradients(loss, wanted)
  return loss.graph
}

/**
 * Checks every output `<name>_grad` of a float64 graph that also gives out `loss`.
 *
 * The relative error of an element is |g − d| / max(|g|, |d|, 1e-3·max |g| of its tensor), where g is the graph's
 * gradient and d the difference quotient: an element that is small beside its tensor counts by that tensor.
 *
 * A graph with segments is rewritten by {@link checkpointed} afterwards, and has to give out the same.
 *
 * @returns the worst relative error, which is at most TOLERANCE, and the graph's outputs
 */
export async function checkGradients(graph: Graph, feeds: Feeds, options: CheckOptions = {}) {
  const open = (part: Graph) =>
    openNodeSession(withFloat64Erf(serialize(part)), {
      threads: 1,
      optimization: 'basic',
      ...(options.folder === undefined ? {} : { externalFolder: options.folder }),
    })
  const [session, lossSession] = [await open(graph), await open(lossAlone(graph))]
  try {
    const outputs = await session.run(feeds)
    const wanted = [...graph.outputs.keys()].filter((name) => name.endsWith('_grad'))
    expect(wanted, 'gradients to check').not.to.be.empty
    let worst = 0
    for (const output of wanted) {
      const name = output.slice(0, -'_grad'.length)
      worst = Math.max(worst, await checkTensor(lossSession, feeds, name, outputs[output]!, options))
    }
    if (graph.segments.length > 0) await checkRecomputed(await open(checkpointed(graph)), feeds, outputs)
    return { worst, outputs }
  } finally {
    await session.release()
    await lossSession.release()
  }
}

/** A graph that computes its blocks once more gives out the same. */
async function checkRecomputed(session: Session, feeds: Feeds, expected: Feeds): Promise<void> {
  const outputs = await session.run(feeds)
  await session.release()
  for (const [name, { data }] of Object.entries(expected)) {
    const [known, got] = [data as Float64Array, outputs[name]!.data as Float64Array]
    const largest = known.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const worst = known.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!)), 0)
    expect(worst, `${name}, with checkpointing`).to.be.at.most(1e-12 * Math.max(1, largest))
  }
}

/** The graph without its other outputs: ONNX Runtime computes all of a graph's outputs, whichever are asked for. */
const lossAlone = (graph: Graph): Graph =>
  Object.create(graph, { outputs: { value: new Map([['loss', graph.outputs.get('loss')!]]) } }) as Graph

async function checkTensor(
  session: Session,
  feeds: Feeds,
  name: string,
  { dims, data }: HostTensor,
  { elements, step = 1e-4 }: CheckOptions,
): Promise<number> {
  const fed = feeds[name]!
  const gradient = data as Float64Array
  expect(dims, `dims of the gradient by ${name}`).to.deep.equal(fed.dims)
  const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  expect(largest, `largest gradient by ${name}`).to.be.greaterThan(0)

  let worst = 0
  for (const index of chooseElements(name, gradient, elements)) {
    const slope = await differenceQuotient(session, feeds, name, index, step)
    const scale = Math.max(Math.abs(gradient[index]!), Math.abs(slope), 1e-3 * largest)
    const error = Math.abs(gradient[index]! - slope) / scale
    expect(error, `${name}[${index}]: gradient ${gradient[index]}, differences ${slope}`).to.be.at.most(
      TOLERANCE,
    )
    worst = Math.max(worst, error)
  }
  return worst
}

function chooseElements(name: string, gradient: Float64Array, count = gradient.length): Iterable<number> {
  if (count >= gradient.length) return gradient.keys()
  const { integer } = createRandom('gradient check', name)
  const largest = gradient.reduce(
    (best, value, i) => (Math.abs(value) > Math.abs(gradient[best]!) ? i : best),
    0,
  )
  return new Set([largest, ...Array.from({ length: count - 1 }, () => integer(gradient.length))])
}

async function differenceQuotient(
  session: Session,
  feeds: Feeds,
  name: string,
  index: number,
  step: number,
): Promise<number> {
  const moved = Float64Array.from(feeds[name]!.data as Float64Array)
  const x = moved[index]!
  const lossAt = async (offset: number) => {
    moved[index] = x + offset
    const { loss } = await session.run({ ...feeds, [name]: { ...feeds[name]!, data: moved } })
    return loss!.data[0] as number
  }
  const [near, far] = [
    (await lossAt(step)) - (await lossAt(-step)),
    (await lossAt(2 * step)) - (await lossAt(-2 * step)),
  ]
  return (8 * near - far) / (12 * step)
}
