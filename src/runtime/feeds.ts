/**
 * Inputs of graphs that several rooms feed.
 * @module
 */
import type { Feeds, Session, Tensors } from './session.ts'

/** The scalar input that turns the adapters up, or off with 0. */
export const loraScale = (scale: number): Feeds => ({
  lora_scale: { dtype: 'float32', dims: [], data: Float32Array.of(scale) },
})

/** Those of the feeds that a session has inputs for. */
export const takenBy = ({ inputNames }: Pick<Session, 'inputNames'>, feeds: Tensors): Tensors =>
  Object.fromEntries(Object.entries(feeds).filter(([name]) => inputNames.includes(name)))

/** Parameters of the model as it is without its adapters. */
export const adaptersOff = (parameters: Tensors): Tensors => ({ ...parameters, ...loraScale(0) })
