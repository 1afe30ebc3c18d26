/**
 * ortune in a browser: the graph builders, and sessions on onnxruntime-web. It imports no Node API.
 * @module
 */
export * from '../graphs/index.ts'
export * from './errors.ts'
export * from './runtime/session.ts'
export * from './runtime/web.ts'
