/** @module */
import { isHalf } from '../../graphs/ir/dtype.ts'
import { precisionType } from '../formats/precision.ts'
import { halfTypesFor } from '../models/computable.ts'
import type { Device } from '../runtime/device.ts'
import { checkDevice, nodeRuntime } from '../runtime/node_runtime.ts'
import type { RunConfig } from './config.ts'

type OfDevice = Pick<RunConfig, 'provider' | 'threads' | 'precision'>

/** Where a run's graphs are computed, and in what. */
export function runDevice({ provider, threads, precision }: OfDevice): Device {
  const dtype = precisionType(precision)
  return { provider, threads, ...(isHalf(dtype) ? { half: dtype } : {}) }
}

/** @throws UserError where a run's device is not there, or has no numbers of its precision */
export async function checkRunDevice(config: OfDevice): Promise<void> {
  const device = runDevice(config)
  await checkDevice(device)
  if (device.half) await halfTypesFor(device.half, nodeRuntime(device))
}
