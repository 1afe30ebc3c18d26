/** @module */
import { join } from 'node:path'

import type { DataSet } from '../data/sets/data_set.ts'
import { openArrowDataset } from '../data/sets/arrow_file.ts'
import type { Split } from '../data/sets/splits.ts'
import { splitFile } from '../data/sets/split_files.ts'
import { UserError } from '../errors.ts'
import { checkFiles, readManifest } from '../formats/manifest.ts'
import { exists } from '../formats/read_file.ts'

/**
 * Opens the data that a run has prepared. Close it when done.
 *
 * @throws UserError where the folder is no run, has no such split, or has changed since it was made
 */
export async function openSplit(run: string, split: Split): Promise<DataSet> {
  if (!(await exists(join(run, 'training.json'))))
    throw new UserError(`${run} is no training run; name the output_dir of one`)
  const file = splitFile(join(run, 'data'), split)
  if (!(await exists(file)))
    throw new UserError(`${run} has no ${split} data; change the split of its sources, or name another split`)
  await checkFiles(run, await readManifest(run), 'run')
  return openArrowDataset(file)
}

/** Opens a split that is known to be there. */
export const openSplitFile = (run: string, split: Split): DataSet & { release(): Promise<void> } => {
  const data = openArrowDataset(splitFile(join(run, 'data'), split))
  return { ...data, release: async () => data.close() }
}
