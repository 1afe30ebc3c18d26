/**
 * ortune in a browser: the graph builders, what trains and writes with them, and onnxruntime-web. It imports no Node API.
 * @module
 */
export * from '../graphs/index.ts'
export * from './anywhere.ts'
export { openWebSession } from './runtime/web.ts'
export { webRuntime } from './runtime/web_runtime.ts'
