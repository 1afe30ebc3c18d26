/**
 * Sessions on onnxruntime-web's WebAssembly build, in a browser or, for tests, in Node.
 *
 * Tensors are copied into the runtime's own memory and back: `into` saves an allocation, not a copy. Threads need
 * SharedArrayBuffer, hence a cross-origin isolated page; their number is the page's, and the first session sets it.
 * In Node the bundle loads its own files from disk, but starts threads through `fetch`, which Node refuses for files:
 * there a session has one thread.
 * @module
 */
import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm'
import type { HostType } from '../../graphs/ir/dtype.ts'
import { checkedSession, openError } from './checked_session.ts'
import type { Feeds, HostTensor, Session, SessionOptions, TensorData } from './session.ts'

const inNode = typeof process !== 'undefined' && process.versions?.node !== undefined
const fatalOnly = 4

/**
 * Opens a model given as bytes, its external data in `externalData`.
 * @throws UserError where the model cannot be loaded
 */
export async function openWebSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const { name = 'the model', threads, optimization = 'all', externalData } = options
  if (inNode) env.wasm.numThreads = 1
  else if (threads !== undefined) env.wasm.numThreads = threads

  let inference: InferenceSession
  try {
    inference = await InferenceSession.create(model, {
      executionProviders: ['wasm'],
      graphOptimizationLevel: optimization,
      logSeverityLevel: fatalOnly,
      ...(externalData ? { externalData } : {}),
    })
  } catch (error) {
    throw openError(name, error)
  }

  async function run(feeds: Feeds, wanted: readonly string[], into: Feeds) {
    const fed = Object.fromEntries(Object.entries(feeds).map(([input, tensor]) => [input, toOrt(tensor)]))
    const computed = await inference.run(fed, wanted)
    return Object.fromEntries(
      wanted.map((output) => {
        const result = fromOrt(computed[output]!)
        return [output, into[output] ? copyInto(into[output], result, output) : result]
      }),
    )
  }

  return checkedSession({
    name,
    inputs: inference.inputMetadata.map((input) => ({
      name: input.name,
      dtype: input.isTensor ? input.type : 'sequence',
    })),
    outputNames: inference.outputNames,
    run,
    release: () => inference.release(),
  })
}

const toOrt = ({ dtype, data, dims }: HostTensor) => {
  if (dtype === 'bfloat16') throw new Error('this runtime has no tensors of bfloat16')
  return new Tensor(dtype, data, dims)
}
const fromOrt = (tensor: InferenceSession.OnnxValueMapType[string]): HostTensor => ({
  dtype: tensor.type as HostType,
  dims: tensor.dims,
  data: tensor.data as TensorData,
})

function copyInto(target: HostTensor, result: HostTensor, output: string): HostTensor {
  if (target.dtype !== result.dtype || target.dims.join() !== result.dims.join()) {
    throw new Error(
      `output ${output} is ${result.dtype} [${result.dims.join(', ')}], ` +
        `not ${target.dtype} [${target.dims.join(', ')}]`,
    )
  }
  ;(target.data as Float32Array).set(result.data as Float32Array)
  return target
}
