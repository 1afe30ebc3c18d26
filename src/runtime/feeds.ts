/**
 * Inputs of graphs that several rooms feed.
 * @module
 */
import type { Feeds } from './session.ts'

/** The scalar input that turns the adapters up, or off with 0. */
export const loraScale = (scale: number): Feeds => ({
  lora_scale: { dtype: 'float32', dims: [], data: Float32Array.of(scale) },
})

/** Parameters of the model as it is without its adapters. */
export const adaptersOff = (parameters: Feeds): Feeds => ({ ...parameters, ...loraScale(0) })
