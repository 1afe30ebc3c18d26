/**
 * How a session is opened.
 * @module
 */
import type { SessionOptions } from '../session.ts'
import { mostThreads } from '../threads.ts'
import type { Address, Library } from './library.ts'
import { addressOf } from './library.ts'
import type { Provider } from './providers.ts'
import { kindOf } from './providers.ts'

export interface NodeSessionOptions extends SessionOptions {
  /** Default 'cpu'. */
  readonly provider?: Provider
  /** Whether the CPU computes what a device has no kernel for; where not, such a model cannot be opened. Default true. */
  readonly fallback?: boolean
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
}

// Errors reach the caller as exceptions; what ONNX Runtime prints beside them would only repeat them.
const FATAL_ONLY = 4

/** ONNX Runtime's environment: one for a process. */
export function environment(ort: Library): Address {
  made ??= make(ort)
  return made
}
let made: Address | undefined

function make(ort: Library): Address {
  const to = ort.made('CreateEnv', FATAL_ONLY, 'ortune')
  registerArena(ort, to)
  return to
}

// OrtDeviceAllocator and OrtMemTypeDefault of the header; kSameAsRequested of its arena's strategies.
const ARENA = 1
const DEFAULT_MEMORY = 0
const SAME_AS_REQUESTED = 1
/** Left to ONNX Runtime. */
const ITS_DEFAULT = -1

/**
 * The memory in which sessions on the CPU compute: one arena for all of them, since one runs at a time, which grows by what is
 * asked for. That of a session doubles each time, by what no step needs: 180 MiB of 3.2 GiB for LoRA at GPT-2-small shape.
 */
function registerArena(ort: Library, environment: Address): void {
  const memory = ort.made('CreateMemoryInfo', 'Cpu', ARENA, 0, DEFAULT_MEMORY)
  const arena = ort.made('CreateArenaCfg', 0, SAME_AS_REQUESTED, ITS_DEFAULT, ITS_DEFAULT)
  try {
    ort.call('CreateAndRegisterAllocator', environment, memory, arena)
  } finally {
    ort.plain('ReleaseArenaCfg', arena)
    ort.plain('ReleaseMemoryInfo', memory)
  }
}

const LEVELS = { disabled: 0, basic: 1, extended: 2, all: 99 } as const

/** The options as ONNX Runtime keeps them; to be released. */
export function sessionOptions(ort: Library, options: NodeSessionOptions): Address {
  const { provider = 'cpu', optimization = 'all', spinning = true, threads, externalData = [] } = options
  const to = ort.made('CreateSessionOptions')
  const entry = (key: string, value: string) => ort.call('AddSessionConfigEntry', to, `session.${key}`, value)
  try {
    ort.call('SetSessionLogSeverityLevel', to, FATAL_ONLY)
    ort.call('SetSessionGraphOptimizationLevel', to, LEVELS[optimization])
    ort.call(options.memoryArena === false ? 'DisableCpuMemArena' : 'EnableCpuMemArena', to)
    ort.call(options.memoryPattern === true ? 'EnableMemPattern' : 'DisableMemPattern', to)
    if (threads !== undefined) ort.call('SetIntraOpNumThreads', to, Math.min(threads, mostThreads()))
    if (options.profilePrefix !== undefined) ort.call('EnableProfiling', to, options.profilePrefix)
    // Counts on the first session of a process only; denormals run 18 times slower.
    entry('set_denormal_as_zero', '1')
    entry('intra_op.allow_spinning', spinning ? '1' : '0')
    entry('use_env_allocators', options.memoryArena !== false && kindOf(provider).memory === null ? '1' : '0')
    // Products of 4-bit weights take float32 as it is: by default ONNX Runtime rounds it to 8 bits.
    entry('qdq_matmulnbits_accuracy_level', '1')
    entry('disable_prepacking', options.prepacking === false ? '1' : '0')
    if (options.fallback === false) entry('disable_cpu_ep_fallback', '1')
    if (options.externalFolder !== undefined)
      entry('model_external_initializers_file_folder_path', options.externalFolder)
    if (externalData.length > 0)
      ort.call(
        'AddExternalInitializersFromFilesInMemory',
        ...([
          to,
          externalData.map(({ path }) => path),
          externalData.map(({ data }) => addressOf(data)),
        ] as const),
        ...([externalData.map(({ data }) => data.byteLength), externalData.length] as const),
      )
    kindOf(provider).append(ort, to)
    return to
  } catch (error) {
    ort.plain('ReleaseSessionOptions', to)
    throw error
  }
}
