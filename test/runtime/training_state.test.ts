import { createDeviceState } from '../../src/runtime/device_state.ts'
import { nodeRuntime } from '../../src/runtime/node_runtime.ts'
import { itIsATrainingState } from './state_scenarios.ts'

const runtime = nodeRuntime()

describe('a training state in the memory of the host', () => itIsATrainingState(runtime))

describe('a training state in the memory of a device, here the CPU', () =>
  itIsATrainingState({
    open: runtime.open,
    state: async (shapes, options) => createDeviceState(runtime.open, shapes, options),
  }))
