/** @module */
import { createHostState } from './host_state.ts'
import type { Provider } from './node.ts'
import { openNodeSession } from './node.ts'
import type { Runtime } from './runtime.ts'

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
