/**
 * Sessions on onnxruntime-node: the CPU, or CUDA where its provider has been installed.
 *
 * Measured on version 1.30: a run costs 0.04 ms, and 0.9 ms more per hundred inputs and outputs; inputs are read where
 * they lie, views on WebAssembly memory too; an output is copied once more than needed (see `in_place.ts`). A run
 * blocks the event loop from the next turn until it has finished: progress can be drawn between runs, not during one.
 * @module
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node'
import type { HostType } from '../../graphs/ir/dtype.ts'
import { bindDims, sizeOf } from '../../graphs/ir/shape.ts'
import { UserError } from '../errors.ts'
import { checkedSession, openError } from './checked_session.ts'
import { isStop, stopOutput, withStopOutput } from './in_place.ts'
import { dataConstructor } from './session.ts'
import { mostThreads } from './threads.ts'
import type { Feeds, HostTensor, Session, SessionOptions, TensorData } from './session.ts'

export type Provider = 'cpu' | 'cuda'

export interface NodeSessionOptions extends SessionOptions {
  /** Default 'cpu'. */
  readonly provider?: Provider
  /** Whether idle threads spin before they sleep. Default true; false where several sessions take turns. */
  readonly spinning?: boolean
  /** Default true. Without it memory goes back to the system between operators, more slowly. */
  readonly memoryArena?: boolean
  /**
   * Default false. True plans one allocation per run from earlier runs of the same shapes, beside what those hold: GPT-2
   * small then peaks at 3.7 GB instead of 3.0 in full fine-tuning and 2.2 instead of 1.7 with LoRA, and is no faster.
   */
  readonly memoryPattern?: boolean
  /**
   * Default true: constant weights are copied into the layout that the kernels like best, one copy for each use, so a
   * model that runs forward and backward holds its weights three times.
   */
  readonly prepacking?: boolean
  /** Folder of the external data files, for a model given as bytes. ONNX Runtime reads them where they lie. */
  readonly externalFolder?: string
  /** Writes a Chrome trace of every operator to `<prefix>_<time>.json` when the session is released. */
  readonly profilePrefix?: string
  /**
   * Outputs are written into `into`, or into room made for them, without a copy, where the dims of all follow from those of
   * the inputs. The model is then read into memory first, so its weights belong in external data.
   */
  readonly inPlaceOutputs?: boolean
}

// Errors reach the caller as exceptions; what ONNX Runtime prints beside them would only repeat them.
env.logLevel = 'fatal'
const fatalOnly = 4

const require = createRequire(import.meta.url)

/** The execution providers this platform's package knows, and whether each can be loaded. */
export function listProviders(): { name: string; installed: boolean }[] {
  const libraries = join(
    dirname(require.resolve('onnxruntime-node/package.json')),
    ...['bin', 'napi-v6', process.platform, process.arch],
  )
  const library = (name: string) => join(libraries, `libonnxruntime_providers_${name}.so`)
  return listSupportedBackends().map(({ name, bundled }) => ({
    name,
    installed: bundled || existsSync(library(name)),
  }))
}

/**
 * Opens a model: a path, beside which its external data lie, or bytes with `externalFolder` or `externalData`.
 * @throws UserError where the model or the provider cannot be loaded
 */
export async function openNodeSession(
  model: string | Uint8Array,
  options: NodeSessionOptions = {},
): Promise<Session> {
  const { provider = 'cpu', inPlaceOutputs = false } = options
  const name = options.name ?? (typeof model === 'string' ? model : 'the model')
  requireProvider(provider)

  let inference: InferenceSession
  try {
    if (typeof model === 'string' && !inPlaceOutputs) {
      inference = await InferenceSession.create(model, ortOptions(options))
    } else {
      const bytes = typeof model === 'string' ? await readFile(model) : model
      const folder = typeof model === 'string' ? dirname(resolve(model)) : options.externalFolder
      inference = await InferenceSession.create(
        inPlaceOutputs ? withStopOutput(bytes) : bytes,
        ortOptions(options, folder),
      )
    }
  } catch (error) {
    throw openError(name, error)
  }
  const outputs = new Map(inference.outputMetadata.map((output) => [output.name, output]))

  /** Room for an output, whose dims follow from those of the inputs by the model's symbols. */
  function allocate(output: string, feeds: Feeds): HostTensor | undefined {
    const metadata = outputs.get(output)
    if (!metadata?.isTensor) return undefined
    const given = inference.inputMetadata.flatMap((input) =>
      input.isTensor ? [[input.shape, feeds[input.name]!.dims] as const] : [],
    )
    const dims = bindDims(metadata.shape, given)
    if (!dims) return undefined
    const dtype = metadata.type as HostType
    return { dtype, dims, data: new dataConstructor[dtype](sizeOf(dims)) }
  }

  async function run(feeds: Feeds, wanted: readonly string[], into: Feeds) {
    const fed = Object.fromEntries(Object.entries(feeds).map(([input, tensor]) => [input, toOrt(tensor)]))
    const given = wanted.map(
      (output) => [output, into[output] ?? (inPlaceOutputs ? allocate(output, feeds) : undefined)] as const,
    )
    const fetches = Object.fromEntries(
      given.map(([output, tensor]) => [output, tensor ? toOrt(tensor) : null]),
    )
    const withoutCopies = inPlaceOutputs && given.every(([, tensor]) => tensor)
    let computed: InferenceSession.OnnxValueMapType = {}
    try {
      computed = await inference.run(fed, withoutCopies ? { [stopOutput]: null, ...fetches } : fetches)
    } catch (error) {
      if (!withoutCopies || !isStop(error)) throw error
    }
    return Object.fromEntries(given.map(([output, tensor]) => [output, tensor ?? fromOrt(computed[output]!)]))
  }

  return checkedSession({
    name,
    inputs: inference.inputMetadata.map((input) => ({
      name: input.name,
      dtype: input.isTensor ? input.type : 'sequence',
    })),
    outputNames: inference.outputNames.filter((output) => output !== stopOutput),
    run,
    async release() {
      if (options.profilePrefix !== undefined) inference.endProfiling()
      await inference.release()
    },
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

function ortOptions(options: NodeSessionOptions, externalFolder?: string): InferenceSession.SessionOptions {
  const {
    provider = 'cpu',
    threads,
    optimization = 'all',
    spinning = true,
    externalData,
    profilePrefix,
  } = options
  return {
    executionProviders: [provider],
    graphOptimizationLevel: optimization,
    enableCpuMemArena: options.memoryArena ?? true,
    enableMemPattern: options.memoryPattern ?? false,
    logSeverityLevel: fatalOnly,
    ...(threads === undefined ? {} : { intraOpNumThreads: Math.min(threads, mostThreads()) }),
    ...(externalData ? { externalData } : {}),
    ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
    extra: {
      session: {
        // Counts on the first session of a process only; denormals run 18 times slower.
        set_denormal_as_zero: '1',
        'intra_op.allow_spinning': spinning ? '1' : '0',
        disable_prepacking: options.prepacking === false ? '1' : '0',
        ...(externalFolder === undefined
          ? {}
          : { model_external_initializers_file_folder_path: externalFolder }),
      },
    },
  }
}

function requireProvider(provider: Provider): void {
  const found = listProviders().find(({ name }) => name === provider)
  if (!found) {
    const platform = `${process.platform}/${process.arch}`
    throw new UserError(
      `onnxruntime-node has no ${provider} provider for ${platform}: use the provider 'cpu'`,
    )
  }
  if (!found.installed) {
    throw new UserError(
      `the ${provider} provider is not installed: fetch it once with ` +
        `'node node_modules/onnxruntime-node/script/install', or use the provider 'cpu'`,
    )
  }
}
