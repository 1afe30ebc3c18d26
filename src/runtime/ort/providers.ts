/**
 * What ONNX Runtime computes on.
 * @module
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { HalfType } from '../../../graphs/ir/dtype.ts'
import { UserError } from '../../errors.ts'
import { arenaLacks, webgpuLacks } from '../lacks.ts'
import type { HalfTypes } from '../runtime.ts'
import { STORED_ALONE } from '../runtime.ts'
import type { Address, Library } from './library.ts'
import { libraryFolder } from './library.ts'

interface ProviderKind {
  /** What ONNX Runtime calls its memory; null: that of the host. */
  readonly memory: string | null
  /**
   * What it does with numbers of 16 bits.
   *
   * @param computes tries whether its device computes in a type
   */
  readonly halfTypes: (computes: (type: HalfType) => Promise<boolean>) => Promise<HalfTypes>
  /** Whether its library is there. */
  readonly installed: () => boolean
  /** The way to have it where it is not. */
  readonly install: () => string
  /** What may be missing, and the way out, where a session cannot be opened on it; absent: the model is to blame. */
  readonly remedy?: string
  /** Providers that may do in its place, for a sentence. */
  readonly instead?: string
  /** What a run lacked room for, where an error of ONNX Runtime says so. */
  readonly lacks: (message: string) => string | undefined
  /** Adds it to a session's options. */
  readonly append: (library: Library, options: Address) => void
}

/** A library beside onnxruntime-node's own, as each platform names it. */
const hasLibrary = (name: string): boolean =>
  [`lib${name}.so`, `lib${name}.dylib`, `${name}.dll`].some((file) => existsSync(join(libraryFolder(), file)))

const platform = (): string => `${process.platform}/${process.arch}`
const noneFor = (name: string): string => `onnxruntime-node has no ${name} provider for ${platform()}`

export const providers = {
  cpu: {
    memory: null,
    halfTypes: async () => STORED_ALONE,
    installed: () => true,
    install: () => 'install onnxruntime-node again',
    lacks: (message) => arenaLacks(message, 'the machine'),
    append: () => undefined,
  },
  cuda: {
    memory: 'Cuda',
    halfTypes: async () => ({ ...STORED_ALONE, arithmetic: STORED_ALONE.storage }),
    installed: () => hasLibrary('onnxruntime_providers_cuda'),
    install: () =>
      platform() === 'linux/x64'
        ? "fetch it once with 'node node_modules/onnxruntime-node/script/install'"
        : noneFor('cuda'),
    remedy:
      "an NVIDIA card with its driver, and CUDA's libraries where the loader looks (LD_LIBRARY_PATH), are needed",
    instead: "'webgpu' or 'cpu'",
    lacks: (message) => arenaLacks(message, 'the card'),
    append(library, options) {
      const cuda = library.made('CreateCUDAProviderOptions')
      try {
        // Its products have TF32's mantissa of 10 bits by default; float32 is to be float32, as PyTorch has it.
        library.call('UpdateCUDAProviderOptions', cuda, ['use_tf32'], ['0'], 1)
        library.call('SessionOptionsAppendExecutionProvider_CUDA_V2', options, cuda)
      } finally {
        library.plain('ReleaseCUDAProviderOptions', cuda)
      }
    },
  },
  webgpu: {
    memory: 'WebGPU_Buffer',
    // An adapter has float16 or not, for both.
    async halfTypes(computes) {
      const types = (await computes('float16')) ? (['float16'] as const) : []
      return { arithmetic: types, storage: types }
    },
    // Bundled where onnxruntime-node has a build with it.
    installed: () => platform() !== 'linux/arm64',
    install: () => noneFor('webgpu'),
    remedy:
      'a GPU with a driver for Vulkan (on Linux, with its loader libvulkan.so.1), Metal or Direct3D 12 is needed',
    instead: "'cpu'",
    lacks: webgpuLacks,
    append: (library, options) =>
      library.call('SessionOptionsAppendExecutionProvider', options, 'WebGPU', [], [], 0),
  },
} as const satisfies Readonly<Record<string, ProviderKind>>

export type Provider = keyof typeof providers

export const kindOf = (provider: Provider): ProviderKind => providers[provider]

/** The providers, and whether each has what onnxruntime-node is to bring. */
export const listProviders = (): { name: Provider; installed: boolean }[] =>
  (Object.keys(providers) as Provider[]).map((name) => ({ name, installed: kindOf(name).installed() }))

/** A provider cannot be computed on here. */
export class NotUsable extends UserError {
  /**
   * @param why and what it would need
   * @param instead which others there are
   */
  constructor(
    readonly why: string,
    instead: string,
    options?: ErrorOptions,
  ) {
    super(`${why}; or use the provider ${instead}`, options)
  }
}

/** @throws NotUsable where onnxruntime-node does not bring the provider */
export function requireProvider(provider: Provider): void {
  const { installed, install } = kindOf(provider)
  if (installed()) return
  throw new NotUsable(`the ${provider} provider is not installed: ${install()}`, "'cpu'")
}
