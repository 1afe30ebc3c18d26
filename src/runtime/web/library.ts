/**
 * The builds of onnxruntime-web, each loaded when a session wants it, and what a page has one of: its threads.
 * @module
 */
import { UserError } from '../../errors.ts'
import { letMessagesIn } from './let_in.ts'
import type { Queue } from './queue.ts'
import { createQueue } from './queue.ts'

/** What onnxruntime-web computes on. */
export type WebProvider = 'wasm' | 'webgpu'

type Ort = typeof import('onnxruntime-web/wasm')

/** A build of onnxruntime-web. */
export interface Library {
  readonly ort: Ort
  /** What is asked of it takes turns: a call that waits for the GPU lets no other in. */
  readonly inTurn: Queue
}

/** Imports are written out, so that bundlers make a chunk of each. */
const builds: Readonly<Record<WebProvider, () => Promise<Ort>>> = {
  wasm: () => import('onnxruntime-web/wasm'),
  webgpu: () => import('onnxruntime-web/webgpu'),
}

const loaded = new Map<WebProvider, Promise<Library>>()

/**
 * The build of a provider, with its threads set where it is the first time.
 *
 * @param threads see `threadsFor`
 * @throws UserError where it cannot be loaded
 */
export function library(provider: WebProvider, threads?: number): Promise<Library> {
  const before = loaded.get(provider)
  if (before) return before
  const loading = load(provider, threadsFor(threads))
  loaded.set(provider, loading)
  // A page that was offline may try again.
  loading.catch(() => loaded.delete(provider))
  return loading
}

async function load(provider: WebProvider, threads: number): Promise<Library> {
  let ort: Ort
  try {
    ort = await builds[provider]()
  } catch (error) {
    throw new UserError(
      `onnxruntime-web's files for ${provider} cannot be loaded: ${(error as Error).message}; look whether they are served beside the page`,
      { cause: error },
    )
  }
  ort.env.wasm.numThreads = threads
  const queue = createQueue()
  const inTurn: Queue = (work) =>
    queue(async () => {
      await letMessagesIn()
      return work()
    })
  return { ort, inTurn }
}

const inNode = typeof process !== 'undefined' && process.versions?.node !== undefined

/** Why there are no threads, as a clause; undefined where there are. */
export function whyOneThread(): string | undefined {
  // Threads start through `fetch`, which Node refuses for files.
  if (inNode) return 'onnxruntime-web starts no threads in Node'
  if (globalThis.crossOriginIsolated) return undefined
  return 'threads need a page served with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp'
}

/** More gain little, as each waits for the slowest. */
const MOST_THREADS = 8
/** Where there are no more cores than these, each counts as a physical one. */
const FEW_CORES = 4

/**
 * Threads inside one operator.
 *
 * @param wanted absent: one for each physical core, as far as a page can tell
 */
export function threadsFor(wanted?: number): number {
  if (whyOneThread() !== undefined) return 1
  const logical = navigator.hardwareConcurrency
  return wanted ?? Math.min(MOST_THREADS, Math.max(Math.ceil(logical / 2), Math.min(logical, FEW_CORES)))
}
