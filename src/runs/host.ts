/**
 * A folder as the place where a run lives; see `Host`.
 * @module
 */
import { join } from 'node:path'

import { isPooled } from '../../graphs/models/head.ts'
import { UserError } from '../errors.ts'
import { openFrozenFolder } from '../formats/frozen_weights.ts'
import { precisionType } from '../formats/precision.ts'
import { exists } from '../formats/read_file.ts'
import { readSafetensorsHeader, readTensors, writeSafetensors } from '../formats/safetensors.ts'
import { tokenizerDifference } from '../formats/tokenizer_difference.ts'
import { eachOnce } from '../learning/listeners.ts'
import type { FoundModel } from '../models/find_model.ts'
import { findModel, headOf } from '../models/find_model.ts'
import { openFoundModel } from '../models/open_found_model.ts'
import { openGraph } from '../models/open_graph.ts'
import { openRewardFunction } from '../models/open_reward.ts'
import { nodeRuntime } from '../runtime/node_runtime.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Host } from '../tasks/task.ts'
import { runDevice } from './check_device.ts'
import type { RunConfig } from './config.ts'
import { prepacks } from './config.ts'
import { appendRecord, truncateRecords } from './log.ts'

/**
 * The host of the run in a folder, which has its model and tokenizer.
 *
 * @param note is told before code of the run's own is run
 */
export function folderHost(
  folder: string,
  config: Pick<RunConfig, 'provider' | 'threads' | 'prepacking' | 'precision' | 'task'>,
  runtime: Runtime = nodeRuntime(runDevice(config)),
  note?: (sentence: string) => void,
): Host {
  const options = { ...config, note: note && eachOnce(note) }
  async function find(name: string, key: string): Promise<FoundModel> {
    const found = await findModel(name)
    const pooled = isPooled(headOf(found))
    const other = pooled ? 'is a classifier or a reward model' : found.npt && 'has plastic blocks'
    if (other !== undefined)
      throw new UserError(`${key}: ${name} ${other}; name a language model, such as a run of task sft`)
    const difference = await tokenizerDifference(found.base, folder)
    if (difference === undefined) return found
    throw new UserError(
      `${key}: ${name} has another tokenizer than the policy (${difference}); name a model with the same one`,
    )
  }

  return {
    async openGraph(what, build, options) {
      const model = await openFrozenFolder(folder)
      const prepacking = prepacks(config)
      return openGraph(`${what} of ${folder}`, model, build, runtime, { prepacking, ...options })
    },
    openModel: async (name, key, build) =>
      openFoundModel(
        name === null ? { base: folder } : await find(name, key),
        // In the precision of the run, so that what is compared is rounded alike.
        (request) => build({ ...request, dtype: precisionType(config.precision) }),
        runtime,
      ),
    checkModel: async (name, key) => void (await find(name, key)),
    openReward: (source) => openRewardFunction(source, options),
    kept: {
      async read(name) {
        const path = join(folder, `${name}.safetensors`)
        if (!(await exists(path))) return undefined
        const { metadata } = await readSafetensorsHeader(path)
        return { tensors: await readTensors(path), metadata }
      },
      write: (name, { tensors, metadata }) =>
        writeSafetensors(join(folder, `${name}.safetensors`), tensors, { format: 'pt', ...metadata }),
    },
    async journal(name, step) {
      const path = join(folder, name)
      await truncateRecords(path, step)
      return (record) => appendRecord(path, record)
    },
  }
}
