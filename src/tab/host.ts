/**
 * A page's storage as the place where a run lives; see `Host`.
 * @module
 */
import type { Adaptation } from '../../graphs/models/adaptation.ts'
import { UserError } from '../errors.ts'
import { encodeSafetensors, readEntriesOf, readHeader } from '../formats/safetensors_bytes.ts'
import { precisionType } from '../formats/precision.ts'
import type { Precision } from '../formats/precision.ts'
import { withCheckedScores } from '../rewards/checked_scores.ts'
import { isPlain, plainReward } from '../rewards/plain_reward.ts'
import type { RewardFunction } from '../rewards/reward_function.ts'
import type { RewardSource } from '../rewards/reward_source.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Host } from '../tasks/task.ts'
import { blobBytes } from './blob_files.ts'
import type { TabModel } from './model.ts'
import type { TabStorage } from './storage.ts'

/** What the place is made of. */
export interface TabPlace {
  /** The run's folder in the storage. */
  readonly folder: string
  readonly storage: TabStorage
  readonly model: TabModel
  readonly runtime: Runtime
  readonly precision: Precision
  /** What a reward of `function` in the settings stands for. */
  readonly reward?: RewardFunction | undefined
}

export function tabHost({ folder, storage, model, runtime, precision, reward }: TabPlace): Host {
  const elsewhere = (key: string) =>
    new UserError(`${key} names another model, and a tab has the run's own alone; leave it out`)
  const lora: Adaptation = 'none'
  return {
    openGraph: (what, build, options) => model.openGraph(what, build, runtime, options),
    async openModel(name, key, build) {
      if (name !== null) throw elsewhere(key)
      const { session, constants } = await model.openGraph(
        'the reference',
        (stored) => build({ config: model.config, lora, npt: null, stored, dtype: precisionType(precision) }),
        runtime,
      )
      return { config: model.config, session, parameters: constants }
    },
    async checkModel(_, key) {
      throw elsewhere(key)
    },
    openReward: async (source) => withCheckedScores(rewardOf(source, reward)),
    kept: {
      async read(name) {
        const path = `${folder}/${name}.safetensors`
        const blob = await storage.read(path)
        if (!blob) return undefined
        const bytes = blobBytes(path, blob)
        const { tensors, metadata } = await readHeader(bytes, path)
        return { tensors: await readEntriesOf(bytes, tensors, path), metadata }
      },
      write: (name, { tensors, metadata }) =>
        storage.write(
          `${folder}/${name}.safetensors`,
          encodeSafetensors(tensors, { format: 'pt', ...metadata }) as BlobPart[],
        ),
    },
    // What a page shows of rollouts it is told by the reward's samples.
    journal: async () => () => undefined,
  }
}

function rewardOf(source: RewardSource, given: RewardFunction | undefined): RewardFunction {
  if (isPlain(source)) return plainReward(source)
  if ('model' in source)
    throw new UserError(
      'the reward names a model, and a tab has none but the policy; give a function, a metric or a pattern',
    )
  if (!given) throw new UserError('the reward is a function, and the page gave none; give it with the run')
  return { ...given, release: async () => undefined }
}
