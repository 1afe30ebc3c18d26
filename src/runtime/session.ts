/**
 * What ortune asks of a runtime: run a graph on named tensors. `node.ts` and `web.ts` provide it.
 * @module
 */
import type { HostType } from '../../graphs/ir/dtype.ts'
import { sizeOf } from '../../graphs/ir/shape.ts'

/** The elements of a tensor, row-major. Uint8Array holds bool, one byte of 0 or 1 each; Uint16Array the bits of 16-bit floats. */
export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | Uint16Array

/** A tensor in host memory. `data` has as many elements as the product of `dims`. */
export interface HostTensor {
  readonly dtype: HostType
  readonly dims: readonly number[]
  readonly data: TensorData
}

/** Numbers in the memory of a device, as the runtime that wrote them holds them. */
export interface DeviceMemory {
  /** A copy in the memory of the host. */
  readonly read: () => Promise<TensorData>
  readonly release: () => void
}

/**
 * A tensor that runs read and write where it lies: on the host at first, or nowhere, on the device once one of its runs has
 * written it.
 */
export interface DeviceTensor {
  readonly dtype: HostType
  readonly dims: readonly number[]
  place: TensorData | DeviceMemory | null
}

export type Tensor = HostTensor | DeviceTensor

/** Tensors by name, wherever they are. */
export type Tensors = Readonly<Record<string, Tensor>>

/** Those that the host has. */
export type Feeds = Readonly<Record<string, HostTensor>>

export interface RunOptions {
  /** The outputs to compute and return; all of them where absent. */
  readonly outputs?: readonly string[]
  /** Outputs to be written into these tensors. Their dims must be the result's. */
  readonly into?: Tensors
}

export interface Session {
  readonly inputNames: readonly string[]
  readonly outputNames: readonly string[]
  /**
   * Runs the graph. Inputs are read where they lie.
   *
   * @returns the outputs asked for that end on the host; those `into` a tensor of the host as this tensor itself
   * @throws Error naming the input, output or operator at fault
   */
  run(feeds: Tensors, options?: RunOptions): Promise<Record<string, HostTensor>>
  /**
   * Opens a further graph on the device in whose memory tensors of this session lie; it is released with this one. Absent where there
   * is no memory but the host's.
   */
  readonly beside?: (model: Uint8Array) => Promise<Session>
  /** Frees the session, and what it has written to the device; it cannot run again. */
  release(): Promise<void>
}

/** What every runtime understands. */
export interface SessionOptions {
  /** How messages call the model; its path where it has one, else "the model". */
  readonly name?: string
  /** Threads inside one operator. Default: one per physical core; in Node at most two per core. */
  readonly threads?: number
  /** Graph rewrites at load. Default 'all'. */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all'
  /** The contents of external data files, for a model given as bytes; `path` as the model refers to them. */
  readonly externalData?: readonly { readonly path: string; readonly data: Uint8Array }[]
}

type TensorDataConstructor =
  | Float32ArrayConstructor
  | Float64ArrayConstructor
  | BigInt64ArrayConstructor
  | Int32ArrayConstructor
  | Uint8ArrayConstructor
  | Uint16ArrayConstructor

/** The array type that holds each element type. */
export const dataConstructor: Readonly<Record<HostType, TensorDataConstructor>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  bool: Uint8Array,
}

export const isDeviceTensor = (tensor: Tensor): tensor is DeviceTensor => 'place' in tensor

/** Where a tensor lies on the device; undefined where it does not. */
export function deviceMemory(tensor: Tensor): DeviceMemory | undefined {
  if (!isDeviceTensor(tensor) || tensor.place === null) return undefined
  return 'read' in tensor.place ? tensor.place : undefined
}

/** The elements of a tensor where the host has them. */
export function hostData(tensor: Tensor): TensorData | undefined {
  if (!isDeviceTensor(tensor)) return tensor.data
  return tensor.place === null || 'read' in tensor.place ? undefined : tensor.place
}

/** @throws Error naming `what` where its data is of another type or length than dtype and dims say */
export function checkTensor(what: string, tensor: Tensor): void {
  const { dtype, dims } = tensor
  const data = hostData(tensor)
  if (!data) return
  const expected = dataConstructor[dtype]
  if (!(data instanceof expected)) {
    throw new Error(
      `${what} is ${dtype}, which ${expected.name} holds, but its data is ${data.constructor.name}`,
    )
  }
  const count = sizeOf(dims)
  if (data.length !== count) {
    throw new Error(
      `${what} has dims [${dims.join(', ')}], ${count} elements, but its data has ${data.length}`,
    )
  }
}
