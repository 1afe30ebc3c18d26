/** @module */
import type { Feeds } from '../runtime/session.ts'
import type { FloatTensor } from './safetensors.ts'

/** Tensors from a file as the inputs of a graph, under their own names. */
export const tensorFeeds = (tensors: ReadonlyMap<string, FloatTensor>): Feeds =>
  Object.fromEntries(
    [...tensors].map(([name, { shape, data }]) => [name, { dtype: 'float32', dims: shape, data }]),
  )
