/** @module */
import { UserError } from '../errors.ts'
import type { Runtime } from './runtime.ts'
import { STORED_ALONE } from './runtime.ts'
import type { WebProvider } from './web.ts'
import { openWebSession } from './web.ts'
import type { Gpu } from './web/gpu.ts'
import { findGpu, openGpu } from './web/gpu.ts'
import { threadsFor, whyOneThread } from './web/library.ts'

/** Where to compute in a page. */
export interface WebDevice {
  /** 'auto': WebGPU where the page has a GPU, else WebAssembly. Default 'wasm'. */
  readonly provider?: WebProvider | 'auto'
  /** Threads of WebAssembly, where the page may have any; the first session of a page sets them. Default: one per core, at most eight. */
  readonly threads?: number
  /** Whether the CPU computes what WebGPU has no kernel for; where not, such a graph cannot be opened. Default true. */
  readonly fallback?: boolean
}

/** onnxruntime-web; models are bytes, their weights external data. On WebGPU trained tensors live in the memory of the GPU. */
export function webRuntime({ provider = 'wasm', threads, fallback = true }: WebDevice = {}): Runtime {
  let finding: Promise<Found> | undefined
  /** The same for all that the runtime opens. */
  const found = () => (finding ??= findProvider(provider))
  const open: Runtime['open'] = async (model, options) => {
    if (typeof model === 'string')
      throw new Error(`${model} is a path; onnxruntime-web takes the model's bytes`)
    return openWebSession(model, {
      ...{ provider: (await found()).gpu ? 'webgpu' : 'wasm', fallback },
      ...(threads ? { threads } : {}),
      ...options,
    })
  }
  return {
    open,
    async chosen() {
      const { gpu, passedOver } = await found()
      const where = gpu ? `WebGPU, on ${gpu.name}` : `WebAssembly, ${threadsInWords(threads)}`
      return ['computed with ' + where, ...passedOver].join('; ')
    },
    async halfTypes() {
      const { gpu } = await found()
      if (!gpu) return STORED_ALONE
      // A GPU has float16 or not, for both.
      const types = gpu.device.features.has('shader-f16') ? (['float16'] as const) : []
      return { arithmetic: types, storage: types }
    },
    async state(shapes, options) {
      // A page loads the one that it needs.
      if ((await found()).gpu)
        return (await import('./device_state.ts')).createDeviceState(open, shapes, options)
      return (await import('./host_state.ts')).createHostState(shapes, options)
    },
  }
}

/** What a page computes on. */
export interface WebFacility {
  readonly provider: WebProvider
  /** Of WebAssembly. */
  readonly threads: number
  /** Why not what would be faster, a sentence each. */
  readonly notes: readonly string[]
}

/** @throws UserError where a provider is asked for that is not there */
export async function webFacility({ provider = 'wasm', threads }: WebDevice = {}): Promise<WebFacility> {
  const { gpu, passedOver } = await findProvider(provider)
  const why = gpu ? undefined : whyOneThread()
  const slow = why === undefined ? [] : [`WebAssembly has one thread, as ${why}`]
  return { provider: gpu ? 'webgpu' : 'wasm', threads: threadsFor(threads), notes: [...passedOver, ...slow] }
}

interface Found {
  /** Absent: WebAssembly. */
  readonly gpu?: Gpu
  /** Why not what would be faster, in a sentence. */
  readonly passedOver: readonly string[]
}

async function findProvider(provider: WebProvider | 'auto'): Promise<Found> {
  if (provider === 'wasm') return { passedOver: [] }
  if (provider === 'webgpu') return { gpu: await openGpu(), passedOver: [] }
  try {
    const gpu = await findGpu()
    if (!gpu.software) return { gpu, passedOver: [] }
    return { passedOver: [`WebGPU has no GPU here, but a program in its place (${gpu.name})`] }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { passedOver: [error.message] }
  }
}

function threadsInWords(wanted: number | undefined): string {
  const why = whyOneThread()
  const count = threadsFor(wanted)
  if (why !== undefined) return `on one thread, as ${why}`
  return count === 1 ? 'on one thread' : `on ${count} threads`
}
