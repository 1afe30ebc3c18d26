/**
 * Copies of tensors between the host and a device.
 * @module
 */
import type { HostType } from '../../graphs/ir/dtype.ts'
import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { identity } from '../../graphs/ops/index.ts'
import { createLazySessions } from './lazy_sessions.ts'
import type { Session, Tensor, TensorData } from './session.ts'

export interface Copier {
  /** The elements of a tensor, as a copy on the host. */
  read(tensor: Tensor): Promise<TensorData>
  /** Writes the elements of a tensor into another, where that lies. */
  write(tensor: Tensor, into: Tensor): Promise<void>
  release(): Promise<void>
}

/**
 * y = x on the device: one small session for each element type and rank.
 *
 * @param open opens a graph on the device
 */
export function createCopier(open: (model: Uint8Array) => Promise<Session>): Copier {
  const sessions = createLazySessions()
  const sessionFor = ({ dtype, dims }: Tensor): Promise<Session> =>
    sessions.get(`${dtype} ${dims.length}`, () => open(copyGraph(dtype, dims.length)))
  return {
    async read(x) {
      const session = await sessionFor(x)
      return (await session.run({ x }))['y']!.data
    },
    async write(x, y) {
      const session = await sessionFor(x)
      await session.run({ x }, { into: { y } })
    },
    release: () => sessions.release(),
  }
}

function copyGraph(dtype: HostType, rank: number): Uint8Array {
  const graph = new Graph('copy')
  const dims = Array.from({ length: rank }, (_, axis) => `n${axis}`)
  graph.output('y', identity(graph.input('x', dtype, dims)))
  return serialize(graph)
}
