/** @module */
import { isHalf } from '../../graphs/ir/dtype.ts'
import { precisionType } from '../formats/precision.ts'
import { halfTypesFor } from '../models/computable.ts'
import { checkDevice, nodeRuntime } from '../runtime/node_runtime.ts'
import type { RunConfig } from './config.ts'

/** @throws UserError where a run's device is not there, or has no numbers of its precision */
export async function checkRunDevice(
  config: Pick<RunConfig, 'provider' | 'threads' | 'precision'>,
): Promise<void> {
  await checkDevice(config)
  const dtype = precisionType(config.precision)
  if (isHalf(dtype)) await halfTypesFor(dtype, nodeRuntime(config))
}
