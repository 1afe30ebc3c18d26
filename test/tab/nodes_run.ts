/**
 * The same run in a tab as in a folder of Node.
 * @module
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Runtime } from '../../src/runtime/runtime.ts'
import type { RewardFunction } from '../../src/rewards/reward_function.ts'
import { blobFiles } from '../../src/tab/blob_files.ts'
import { openTabModel } from '../../src/tab/model.ts'
import type { TabModel } from '../../src/tab/model.ts'
import { memoryStorage } from '../../src/tab/storage.ts'
import type { NewTabRun, TabRunPlace } from '../../src/tab/run.ts'

/** The files of a folder, as a page has them. */
export async function folderBlobs(folder: string): Promise<Map<string, Blob>> {
  const blobs = new Map<string, Blob>()
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isFile()) blobs.set(entry.name, new Blob([await readFile(join(folder, entry.name))]))
  return blobs
}

/** A model's folder in a tab. */
export const tabModel = async (folder: string): Promise<TabModel> =>
  openTabModel(blobFiles('model', await folderBlobs(folder)))

/** The data and the settings of a run of Node, for one in a tab. */
export async function asTabRun(run: string, settings: object): Promise<NewTabRun> {
  const split = async (name: string) => new Uint8Array(await readFile(join(run, 'data', `${name}.arrow`)))
  return { name: 'run', settings, train: await split('train'), validation: await split('validation') }
}

/** A place in memory for it. */
export const tabPlace = async (
  folder: string,
  runtime: Runtime,
  reward?: RewardFunction,
): Promise<TabRunPlace> => ({ storage: memoryStorage(), model: await tabModel(folder), runtime, reward })
