/** @module */
import { createHostState } from './host_state.ts'
import type { Runtime } from './runtime.ts'
import { openWebSession } from './web.ts'

/** onnxruntime-web; models are bytes, their weights external data. */
export const webRuntime = ({ threads }: { readonly threads?: number } = {}): Runtime => ({
  open(model, options) {
    if (typeof model === 'string')
      throw new Error(`${model} is a path; onnxruntime-web takes the model's bytes`)
    return openWebSession(model, { ...(threads ? { threads } : {}), ...options })
  },
  state: async (shapes, options) => createHostState(shapes, options),
})
