/**
 * Reading tensors that lie on a device.
 * @module
 */
import type { HostType } from '../../../graphs/ir/dtype.ts'
import { Graph } from '../../../graphs/ir/graph.ts'
import { serialize } from '../../../graphs/ir/serialize.ts'
import { identity } from '../../../graphs/ops/index.ts'
import type { DeviceTensor, Session, TensorData } from '../session.ts'

export interface Reader {
  /** The elements of a tensor, as a copy on the host. */
  (dtype: HostType, tensor: DeviceTensor): Promise<TensorData>
  release(): Promise<void>
}

/**
 * y = x on the device, with y on the host: one small session for each element type and rank.
 *
 * @param open opens a graph on the device
 */
export function createReader(open: (model: Uint8Array) => Promise<Session>): Reader {
  const sessions = new Map<string, Promise<Session>>()
  const read = async (dtype: HostType, tensor: DeviceTensor): Promise<TensorData> => {
    const rank = tensor.dims.length
    const key = `${dtype} ${rank}`
    const session = sessions.get(key) ?? open(copyGraph(dtype, rank))
    sessions.set(key, session)
    const { y } = await (await session).run({ x: tensor })
    return y!.data
  }
  return Object.assign(read, {
    async release() {
      const opened = await Promise.all(sessions.values())
      sessions.clear()
      for (const session of opened) await session.release()
    },
  })
}

function copyGraph(dtype: HostType, rank: number): Uint8Array {
  const graph = new Graph('copy')
  const dims = Array.from({ length: rank }, (_, axis) => `n${axis}`)
  graph.output('y', identity(graph.input('x', dtype, dims)))
  return serialize(graph)
}
