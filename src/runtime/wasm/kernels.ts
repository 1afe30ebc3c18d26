/**
 * The optimizer's kernels, bound to one WebAssembly memory.
 * @module
 */
import { optimizerWasm } from './optimizer_wasm.ts'

/** The exports of `optimizer.as.ts`, where they are described. Arrays are byte offsets, multiples of 64; n counts floats. */
export interface Kernels {
  adamw(
    p: number,
    g: number,
    m: number,
    v: number,
    n: number,
    lr: number,
    beta1: number,
    beta2: number,
    eps: number,
    weightDecay: number,
    bias1: number,
    bias2: number,
    gradScale: number,
  ): void
  plastic(
    p: number,
    g: number,
    e: number,
    n: number,
    gamma: number,
    unit: number,
    keep: number,
    byGradient: number,
    constant: number,
  ): number
  sum_of_squares(g: number, n: number): number
  accumulate(acc: number, g: number, n: number): void
}

let compiled: WebAssembly.Module | undefined

/** The kernels over `memory`. The module is of some two kilobytes, which browsers let a page compile synchronously. */
export function bindKernels(memory: WebAssembly.Memory): Kernels {
  compiled ??= new WebAssembly.Module(Uint8Array.from(atob(optimizerWasm), (c) => c.charCodeAt(0)))
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as Kernels
}
