/** @module */
import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { identity } from '../../graphs/ops/index.ts'
import { UserError } from '../errors.ts'
import { createHostState } from './host_state.ts'
import type { Provider } from './node.ts'
import { openNodeSession } from './node.ts'
import type { Runtime } from './runtime.ts'
import { mostThreads } from './threads.ts'

/** Where to compute. */
export interface Device {
  /** Default 'cpu'. */
  readonly provider?: Provider | undefined
  /** Threads inside one operator; null or absent: one per physical core. */
  readonly threads?: number | null | undefined
}

/** onnxruntime-node on a device; trained tensors live in the memory of the host. */
export const nodeRuntime = ({ provider = 'cpu', threads }: Device = {}): Runtime => ({
  open: (model, options) => openNodeSession(model, { provider, ...(threads ? { threads } : {}), ...options }),
  state: createHostState,
})

/**
 * Opens a graph of one operator on a device, where it is not the CPU, which is always there.
 *
 * @throws UserError where it cannot be computed on, or not with so many threads
 */
export async function checkDevice(device: Device): Promise<void> {
  const most = mostThreads()
  if ((device.threads ?? 0) > most)
    throw new UserError(
      `threads ${device.threads} are too many for this machine, which takes ${most}, two for each of its cores; leave threads out, for one per physical core`,
    )
  if ((device.provider ?? 'cpu') === 'cpu') return
  const graph = new Graph('device')
  graph.output('y', identity(graph.input('x', 'float32', ['n'])))
  const session = await nodeRuntime(device).open(serialize(graph), { name: `a graph on ${device.provider}` })
  await session.release()
}
