/**
 * Where onnxruntime-web keeps what a browser loads of it.
 * @module
 */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/** The folder of its scripts and of its WebAssembly. */
export const webRuntimeFolder = (): string =>
  dirname(createRequire(import.meta.url).resolve('onnxruntime-web'))

/** Whether a page that uses `onnxruntime-web/wasm` or `onnxruntime-web/webgpu` may load the file. */
export const isWebRuntimeFile = (name: string): boolean =>
  /^(ort\.(wasm|webgpu)\.bundle\.min\.mjs|ort-wasm-simd-threaded(\.asyncify)?\.(mjs|wasm))$/.test(name)
