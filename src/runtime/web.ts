/**
 * Sessions on onnxruntime-web: on WebAssembly, in a browser or, for tests, in Node; or on WebGPU.
 *
 * On WebAssembly tensors are copied into the runtime's own memory and back: `into` saves an allocation, not a copy. Its threads are
 * the page's, and the first session sets their number. On WebGPU outputs `into` a `DeviceTensor` stay in buffers of the GPU, where
 * the next runs read them.
 * @module
 */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web/wasm'
import type { HostType } from '../../graphs/ir/dtype.ts'
import { checkedSession, openError } from './checked_session.ts'
import { createCopier } from './copier.ts'
import { arenaLacks, lackError, webgpuLacks } from './lacks.ts'
import { deviceMemory, hostData, isDeviceTensor } from './session.ts'
import type {
  DeviceMemory,
  DeviceTensor,
  HostTensor,
  Session,
  SessionOptions,
  Tensor,
  TensorData,
  Tensors,
} from './session.ts'
import type { Gpu } from './web/gpu.ts'
import { openGpu } from './web/gpu.ts'
import type { WebProvider } from './web/library.ts'
import { library } from './web/library.ts'

export type { WebProvider } from './web/library.ts'

export interface WebSessionOptions extends SessionOptions {
  /** Default 'wasm'. */
  readonly provider?: WebProvider
  /** Whether the CPU computes what WebGPU has no kernel for; where not, such a model cannot be opened. Default true. */
  readonly fallback?: boolean
}

/** Numbers in a buffer of the GPU. */
interface GpuMemory extends DeviceMemory {
  readonly buffer: GPUBuffer
}

/**
 * Opens a model given as bytes, its external data in `externalData`.
 * @throws UserError where the model cannot be loaded, or there is no WebGPU
 */
export async function openWebSession(model: Uint8Array, options: WebSessionOptions = {}): Promise<Session> {
  const { name = 'the model', provider = 'wasm' } = options
  const gpu = provider === 'webgpu' ? await openGpu() : null
  const { ort, inTurn } = await library(provider, options.threads)

  /** Work of the runtime, in turn; what it lacks room for, in a sentence. */
  async function working<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await inTurn(() => (gpu ? gpu.watched(work) : work()))
    } catch (error) {
      const { message } = error as Error
      const lack = (gpu ? webgpuLacks(message) : undefined) ?? arenaLacks(message, 'the tab')
      throw lack === undefined ? error : lackError(name, lack, error)
    }
  }

  const inference = await working(() => ort.InferenceSession.create(model, ortOptions(options, gpu))).catch(
    (error: unknown) => {
      throw openError(name, error)
    },
  )
  const others: Session[] = []
  async function beside(graph: Uint8Array): Promise<Session> {
    const other = await openWebSession(graph, { ...options, name: `a graph beside ${name}` })
    others.push(other)
    return other
  }
  const copier = createCopier(beside)
  const memories = new Set<GpuMemory>()
  let released = false

  function toOrt(input: string, tensor: Tensor): OrtTensor {
    const { dtype, dims } = tensor
    if (dtype === 'bfloat16') throw new Error('this runtime has no tensors of bfloat16')
    const memory = deviceMemory(tensor)
    if (memory) return onGpu((memory as GpuMemory).buffer, dtype, dims)
    const data = hostData(tensor)
    if (!data) throw new Error(`input ${input} has not been written`)
    return new ort.Tensor(dtype, data, dims)
  }

  function onGpu(gpuBuffer: GPUBuffer, dtype: HostType, dims: readonly number[]): OrtTensor {
    if (dtype === 'bfloat16' || dtype === 'float64') throw new Error(`the GPU has no tensors of ${dtype}`)
    return ort.Tensor.fromGpuBuffer(gpuBuffer, { dataType: dtype, dims })
  }

  function allocate(on: Gpu, { dtype, dims }: DeviceTensor): GpuMemory {
    const buffer = on.allocate(dtype, dims)
    const memory: GpuMemory = {
      buffer,
      read: () => copier.read({ dtype, dims, place: memory }),
      release() {
        if (memories.delete(memory)) buffer.destroy()
      },
    }
    memories.add(memory)
    return memory
  }

  async function run(feeds: Tensors, wanted: readonly string[], into: Tensors) {
    if (released) throw new Error('the session has been released')
    const fed = Object.fromEntries(
      Object.entries(feeds).map(([input, tensor]) => [input, toOrt(input, tensor)]),
    )
    const made = new Map<DeviceTensor, GpuMemory>()
    const computed = await working(() => {
      /** Where an output goes: a buffer of the GPU, or null, to what the runtime makes. */
      const fetches = wanted.map((output): [string, OrtTensor | null] => {
        const given = into[output]
        if (!gpu || !given || !isDeviceTensor(given)) return [output, null]
        const memory = (deviceMemory(given) as GpuMemory | undefined) ?? allocate(gpu, given)
        if (memory !== given.place) made.set(given, memory)
        return [output, onGpu(memory.buffer, given.dtype, given.dims)]
      })
      return inference.run(fed, Object.fromEntries(fetches), QUIET)
    }).catch((error: unknown) => {
      for (const memory of made.values()) memory.release()
      throw error
    })
    for (const [tensor, memory] of made) tensor.place = memory
    const results: Record<string, HostTensor> = {}
    for (const output of wanted) {
      const given = into[output]
      if (gpu && given && isDeviceTensor(given)) continue
      const result = fromOrt(computed[output]!)
      if (!given) results[output] = result
      else if (isDeviceTensor(given)) given.place = copyInto(given, result, output)
      else {
        copyInto(given, result, output)
        results[output] = given
      }
    }
    return results
  }

  return checkedSession({
    name,
    inputs: inference.inputMetadata.map((input) => ({
      name: input.name,
      dtype: input.isTensor ? input.type : 'sequence',
    })),
    outputNames: inference.outputNames,
    run,
    ...(gpu ? { beside } : {}),
    async release() {
      if (released) return
      released = true
      for (const memory of memories) memory.release()
      for (const other of others) await other.release()
      await inTurn(() => inference.release())
    },
  })
}

/** What fails is thrown, not logged. */
const QUIET = { logSeverityLevel: 4 } as const

function ortOptions(
  { optimization = 'all', externalData, fallback = true }: WebSessionOptions,
  gpu: Gpu | null,
): InferenceSession.SessionOptions {
  return {
    executionProviders: [gpu ? { name: 'webgpu', device: gpu.device } : 'wasm'],
    graphOptimizationLevel: optimization,
    ...QUIET,
    ...(externalData ? { externalData } : {}),
    ...(gpu && !fallback ? { extra: { session: { disable_cpu_ep_fallback: '1' } } } : {}),
  }
}

function fromOrt({ type, dims, data }: OrtTensor): HostTensor {
  // Float16Array, where there is one, has the same bits.
  const bits = type === 'float16' ? new Uint16Array((data as Uint16Array).buffer) : (data as TensorData)
  return { dtype: type as HostType, dims, data: bits }
}

/** Copies a result into a tensor that lies on the host, or will. */
function copyInto(given: Tensor, result: HostTensor, output: string): TensorData {
  if (given.dtype !== result.dtype || given.dims.join() !== result.dims.join()) {
    throw new Error(
      `output ${output} is ${result.dtype} [${result.dims.join(', ')}], ` +
        `not ${given.dtype} [${given.dims.join(', ')}]`,
    )
  }
  const target = hostData(given)
  if (!target) return result.data
  ;(target as Float32Array).set(result.data as Float32Array)
  return target
}
