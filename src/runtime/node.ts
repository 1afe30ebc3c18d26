/**
 * Sessions on the ONNX Runtime of onnxruntime-node, through its C interface: the CPU, WebGPU, or CUDA where its provider has been
 * installed.
 *
 * Inputs are read where they lie and outputs written where they are wanted, views on WebAssembly memory too; on a device, outputs
 * may stay there (see `DeviceTensor`). A run blocks the event loop from the next turn until it has finished: progress can be drawn
 * between runs, not during one.
 * @module
 */
import type { HostType } from '../../graphs/ir/dtype.ts'
import { onnxDataType } from '../../graphs/ir/dtype.ts'
import { bindDims, sizeOf } from '../../graphs/ir/shape.ts'
import { checkedSession, openError } from './checked_session.ts'
import { createCopier } from './copier.ts'
import { lackError } from './lacks.ts'
import type { Address, Library } from './ort/library.ts'
import { addressesAt, addressOf, bytesAt, library } from './ort/library.ts'
import { describeTensor, describeValue } from './ort/metadata.ts'
import type { NodeSessionOptions } from './ort/options.ts'
import { environment, sessionOptions } from './ort/options.ts'
import { kindOf, NotUsable, requireProvider } from './ort/providers.ts'
import { withoutStderr } from './ort/quiet.ts'
import { dataConstructor, deviceMemory, hostData, isDeviceTensor } from './session.ts'
import type { DeviceMemory, HostTensor, Session, Tensor, TensorData, Tensors } from './session.ts'

export type { NodeSessionOptions } from './ort/options.ts'
export type { Provider } from './ort/providers.ts'
export { listProviders } from './ort/providers.ts'

/** Numbers in the memory of a device. */
interface OrtMemory extends DeviceMemory {
  readonly value: Address
}

/**
 * Opens a model: a path, beside which its external data lie, or bytes with `externalFolder` or `externalData`.
 * @throws UserError where the model or the provider cannot be loaded
 */
export async function openNodeSession(
  model: string | Uint8Array,
  options: NodeSessionOptions = {},
): Promise<Session> {
  const { provider = 'cpu' } = options
  const name = options.name ?? (typeof model === 'string' ? model : 'the model')
  requireProvider(provider)
  const ort = library()
  let session: Address
  try {
    // Errors come back; what a device's libraries print beside them is held back.
    session =
      provider === 'cpu' ? create(ort, model, options) : withoutStderr(() => create(ort, model, options))
  } catch (error) {
    const { remedy, instead } = kindOf(provider)
    const fault = openError(name, error, remedy)
    throw instead === undefined ? fault : new NotUsable(fault.message, instead, { cause: error })
  }
  const inputs = describeTensor(ort, session, 'Input')
  const outputs = describeTensor(ort, session, 'Output')
  const shapes = new Map(outputs.map((output) => [output.name, output]))
  const binding = ort.made('CreateIoBinding', session)
  const host = ort.made('CreateMemoryInfo', 'Cpu', 0, 0, 0)
  const { memory } = kindOf(provider)
  const device = memory === null ? null : ort.made('CreateMemoryInfo', memory, 0, 0, 0)
  const others: Session[] = []
  async function beside(graph: Uint8Array): Promise<Session> {
    const other = await openNodeSession(graph, { provider, name: `a graph beside ${name}` })
    others.push(other)
    return other
  }
  const copier = createCopier(beside)
  const memories = new Set<OrtMemory>()
  /** Inputs that are bound, by name: on the CPU they are read anew at each run where they lie. */
  const bound = new Map<string, Tensor>()
  let released = false

  function bindInput(input: string, tensor: Tensor): void {
    if (device === null && bound.get(input) === tensor && !isDeviceTensor(tensor)) return
    bound.set(input, tensor)
    const memory = deviceMemory(tensor)
    if (memory) return ort.call('BindInput', binding, input, (memory as OrtMemory).value)
    const data = hostData(tensor)
    if (!data) throw new Error(`input ${input} has not been written`)
    const value = valueOver(ort, host, tensor.dtype, tensor.dims, data)
    ort.call('BindInput', binding, input, value)
    ort.plain('ReleaseValue', value)
  }

  function bindHost(output: string, dtype: HostType, dims: readonly number[], data: TensorData): void {
    const value = valueOver(ort, host, dtype, dims, data)
    ort.call('BindOutput', binding, output, value)
    ort.plain('ReleaseValue', value)
  }

  /** Where an output goes: into a tensor of the host, or to what the runtime makes room for. */
  function bindOutput(output: string, feeds: Tensors, given?: Tensor): HostTensor | 'made' | 'kept' {
    const type = shapes.get(output)!
    const known = inputs.map(({ name: input, dims }) => [dims, feeds[input]!.dims] as const)
    const dims = given?.dims ?? (type.dtype ? bindDims(type.dims, known) : undefined)
    if (given) checkDims(output, type, given, bindDims(type.dims, known))
    if (given && isDeviceTensor(given) && device !== null) {
      const memory = deviceMemory(given)
      if (memory) ort.call('BindOutput', binding, output, (memory as OrtMemory).value)
      else ort.call('BindOutputToDevice', binding, output, device)
      return memory ? 'kept' : 'made'
    }
    if (given) {
      if (isDeviceTensor(given)) given.place ??= new dataConstructor[given.dtype](sizeOf(given.dims))
      bindHost(output, given.dtype, given.dims, hostData(given)!)
      return isDeviceTensor(given) ? 'kept' : given
    }
    if (!dims || !type.dtype) {
      ort.call('BindOutputToDevice', binding, output, host)
      return 'made'
    }
    const made: HostTensor = { dtype: type.dtype, dims, data: new dataConstructor[type.dtype](sizeOf(dims)) }
    bindHost(output, made.dtype, made.dims, made.data)
    return made
  }

  async function run(feeds: Tensors, wanted: readonly string[], into: Tensors) {
    await new Promise(setImmediate)
    if (released) throw new Error('the session has been released')
    for (const { name: input } of inputs) bindInput(input, feeds[input]!)
    ort.plain('ClearBoundOutputs', binding)
    const places = wanted.map((output) => bindOutput(output, feeds, into[output]))
    runBound()
    const made = places.includes('made') ? boundValues(ort, binding) : []
    const results: Record<string, HostTensor> = {}
    wanted.forEach((output, i) => {
      const [place, given] = [places[i]!, into[output]]
      if (typeof place === 'object') results[output] = place
      if (place !== 'made') return void (made[i] !== undefined && ort.plain('ReleaseValue', made[i]))
      if (given && isDeviceTensor(given)) given.place = onDevice(made[i]!, given)
      else {
        results[output] = hostCopy(ort, made[i]!)
        ort.plain('ReleaseValue', made[i]!)
      }
    })
    if (device !== null) {
      // The memory of tensors that are replaced before the next run is free for them.
      ort.plain('ClearBoundInputs', binding)
      ort.plain('ClearBoundOutputs', binding)
    }
    return results
  }

  function runBound(): void {
    try {
      ort.call('RunWithBinding', session, null, binding)
    } catch (error) {
      const lacking = kindOf(provider).lacks((error as Error).message)
      if (lacking === undefined) throw error
      throw lackError(name, lacking, error)
    }
  }

  function onDevice(value: Address, { dtype, dims }: Pick<Tensor, 'dtype' | 'dims'>): OrtMemory {
    const memory: OrtMemory = {
      value,
      read: () => copier.read({ dtype, dims, place: memory }),
      release() {
        if (memories.delete(memory)) ort.plain('ReleaseValue', value)
      },
    }
    memories.add(memory)
    return memory
  }

  return checkedSession({
    name,
    inputs: inputs.map(({ name: input, dtype }) => ({ name: input, dtype: dtype ?? 'sequence' })),
    outputNames: outputs.map((output) => output.name),
    run,
    ...(device === null ? {} : { beside }),
    async release() {
      if (released) return
      released = true
      for (const memory of memories) memory.release()
      for (const other of others) await other.release()
      if (options.profilePrefix !== undefined) endProfiling(ort, session)
      ort.plain('ReleaseIoBinding', binding)
      ort.plain('ReleaseSession', session)
      for (const info of [host, device]) if (info !== null) ort.plain('ReleaseMemoryInfo', info)
      bound.clear()
    },
  })
}

function create(ort: Library, model: string | Uint8Array, options: NodeSessionOptions): Address {
  // A provider that is added to options already writes to its log.
  const env = environment(ort)
  const settings = sessionOptions(ort, options)
  try {
    return typeof model === 'string'
      ? ort.made('CreateSession', env, model, settings)
      : ort.made('CreateSessionFromArray', env, model, model.byteLength, settings)
  } finally {
    ort.plain('ReleaseSessionOptions', settings)
  }
}

/** A tensor of ONNX Runtime's over an array of the host, which is not copied. */
function valueOver(
  ort: Library,
  host: Address,
  dtype: HostType,
  dims: readonly number[],
  data: TensorData,
): Address {
  const at = data.byteLength === 0 ? addressOf(NOTHING) : addressOf(data)
  const type = onnxDataType[dtype]
  return ort.made('CreateTensorWithDataAsOrtValue', host, at, data.byteLength, dims, dims.length, type)
}
/** A place for tensors without elements, which have none of their own. */
const NOTHING = new Uint8Array(64)

/** The values that a run has bound its outputs to, in order; each is to be released. */
function boundValues(ort: Library, binding: Address): Address[] {
  const allocator = ort.made('GetAllocatorWithDefaultOptions')
  const [values, count]: [[Address | null], [number]] = [[null], [0]]
  ort.call('GetBoundOutputValues', binding, allocator, values, count)
  if (values[0] === null) return []
  const all = addressesAt(values[0], Number(count[0]))
  ort.call('AllocatorFree', allocator, values[0])
  return all
}

/** A tensor in ONNX Runtime's memory of the host, as an array of its own. */
function hostCopy(ort: Library, value: Address): HostTensor {
  const { dtype, dims } = describeValue(ort, value)
  if (!dtype) throw new Error('an output is no tensor that JavaScript has an array for')
  const make = dataConstructor[dtype] as Uint8ArrayConstructor
  const size = sizeOf(dims as readonly number[])
  const bytes = size * make.BYTES_PER_ELEMENT
  const data = bytes === 0 ? new make(0) : new make(bytesAt(ort.made('GetTensorMutableData', value), bytes))
  return { dtype, dims: dims as readonly number[], data }
}

function endProfiling(ort: Library, session: Address): void {
  const allocator = ort.made('GetAllocatorWithDefaultOptions')
  ort.call('AllocatorFree', allocator, ort.made('SessionEndProfiling', session, allocator))
}

function checkDims(
  output: string,
  { dtype }: { readonly dtype?: HostType | undefined },
  given: Tensor,
  dims: readonly number[] | undefined,
): void {
  if (given.dtype === dtype && (!dims || dims.join() === given.dims.join())) return
  throw new Error(
    `output ${output} is ${dtype} [${(dims ?? []).join(', ')}], not ${given.dtype} [${given.dims.join(', ')}]`,
  )
}
