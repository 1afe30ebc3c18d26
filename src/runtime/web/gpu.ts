/**
 * The GPU of a page: a device, and buffers of it that tensors live in.
 * @module
 */
import type { HostType } from '../../../graphs/ir/dtype.ts'
import { sizeOf } from '../../../graphs/ir/shape.ts'
import { UserError } from '../../errors.ts'
import { dataConstructor } from '../session.ts'

/** A device of WebGPU, the same for all sessions of a page. */
export interface Gpu {
  readonly device: GPUDevice
  /** The adapter, as its maker names it. */
  readonly name: string
  /** Whether the adapter is a program on the CPU. */
  readonly software: boolean
  /** A buffer for a tensor, in work that is `watched`. */
  allocate(dtype: HostType, dims: readonly number[]): GPUBuffer
  /**
   * Work on it.
   * @throws UserError where the device is lost before it is done
   * @throws Error with WebGPU's message where a buffer found no memory
   */
  watched<T>(work: () => Promise<T>): Promise<T>
}

/** What kernels of ONNX Runtime take where a device has it. */
const FEATURES = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'] as const

/** What ONNX Runtime may need more of than every device has. */
const LIMITS = [
  ...['maxBufferSize', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage', 'maxBindGroups'],
  ...[
    'maxComputeWorkgroupStorageSize',
    'maxComputeWorkgroupsPerDimension',
    'maxComputeInvocationsPerWorkgroup',
  ],
  ...['maxComputeWorkgroupSizeX', 'maxComputeWorkgroupSizeY', 'maxComputeWorkgroupSizeZ'],
] as const satisfies readonly (keyof GPUSupportedLimits)[]

/** @throws UserError where there is none, with the way out */
export async function openGpu(): Promise<Gpu> {
  try {
    return await findGpu()
  } catch (error) {
    throw new UserError(`${(error as Error).message}; use the provider 'wasm'`, { cause: error })
  }
}

let current: Promise<Gpu> | undefined

/**
 * The page's device; another where the last one was lost.
 * @throws UserError why there is none, in a clause
 */
export function findGpu(): Promise<Gpu> {
  if (current) return current
  const opening = requestGpu()
  current = opening
  const forget = () => {
    if (current === opening) current = undefined
  }
  opening.then(({ device }) => device.lost.then(forget), forget)
  return opening
}

async function requestGpu(): Promise<Gpu> {
  const adapter = await requestAdapter()
  const features = FEATURES.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[]
  const limits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]]))
  let device: GPUDevice
  try {
    device = await adapter.requestDevice({ requiredFeatures: features, requiredLimits: limits })
  } catch (error) {
    throw new UserError(`the GPU's driver gives WebGPU no device: ${(error as Error).message}`, {
      cause: error,
    })
  }
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info
  const lost = device.lost.then(({ message }): never => {
    throw new UserError(
      `the GPU was lost${message ? `: ${message.replace(/\s+/g, ' ').replace(/[. ]+$/, '')}` : ''}; go on from the last checkpoint, or use the provider 'wasm'`,
    )
  })
  // Whoever runs on it hears of it.
  lost.catch(() => undefined)
  return {
    device,
    name: description || [vendor, architecture].filter(Boolean).join(' ') || 'an adapter without a name',
    software: isFallbackAdapter,
    allocate: (dtype, dims) =>
      device.createBuffer({
        size: roundedUp(sizeOf(dims) * dataConstructor[dtype].BYTES_PER_ELEMENT),
        usage: STORAGE | COPY_SRC | COPY_DST,
      }),
    async watched(work) {
      device.pushErrorScope('out-of-memory')
      const refused = async () => {
        const error = await Promise.race([device.popErrorScope(), lost])
        if (error) throw new Error(`out of memory: ${error.message}`)
      }
      try {
        return await Promise.race([work(), lost])
      } finally {
        await refused()
      }
    },
  }
}

async function requestAdapter(): Promise<GPUAdapter> {
  const gpu = typeof navigator === 'undefined' ? undefined : (navigator.gpu as GPU | undefined)
  if (!gpu)
    throw new UserError(
      globalThis.isSecureContext === false
        ? 'WebGPU needs a secure page, from https:// or from localhost'
        : 'this browser has no WebGPU',
    )
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter)
    throw new UserError('WebGPU finds no GPU: there is none, or the browser does not trust its driver')
  return adapter
}

/** Of `GPUBufferUsage`: kernels bind it, and it is copied from and to. */
const [STORAGE, COPY_SRC, COPY_DST] = [0x80, 4, 8]

/** ONNX Runtime's kernels read and write whole vectors of four 32-bit numbers. */
const VECTOR = 16
const roundedUp = (bytes: number): number => Math.max(VECTOR, Math.ceil(bytes / VECTOR) * VECTOR)
