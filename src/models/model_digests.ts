/** @module */
import { join, relative, sep } from 'node:path'

import { UserError } from '../errors.ts'
import { FROZEN_FILE } from '../formats/frozen_weights.ts'
import { exists } from '../formats/read_file.ts'
import type { Digests } from '../formats/sealed.ts'
import { digestOf } from '../formats/sealed.ts'
import { TOKENIZER_FILES } from '../formats/tokenizer_files.ts'
import { diskFiles } from '../formats/disk_files.ts'
import { TRAINED_FILE } from '../formats/trained_file.ts'
import { filesOf, findWeights } from '../formats/weight_files.ts'
import { findModel } from './find_model.ts'

/**
 * The SHA-256 of each file that the answers of a model depend on, by its path from the folder: of a run those of the checkpoint
 * that is used, and of the model below it.
 *
 * @throws UserError where the folder holds no model
 */
export async function modelDigests(folder: string): Promise<Digests> {
  const { base, adapter, trained } = await findModel(folder)
  const { tensors } = await findWeights(diskFiles(base))
  const beside = ['config.json', FROZEN_FILE, ...TOKENIZER_FILES].map((name) => join(base, name))
  const ofAdapter = ['adapter_config.json', 'adapter_model.safetensors']
  const files = [
    ...[...beside, ...filesOf(tensors)],
    ...(adapter === undefined ? [] : ofAdapter.map((name) => join(adapter, name))),
    ...(trained === undefined ? [] : [join(trained, TRAINED_FILE)]),
  ]
  const digests: Record<string, string> = {}
  for (const file of files)
    if (await exists(file)) digests[relative(folder, file).replaceAll(sep, '/')] = await digestOf(file)
  return digests
}

/**
 * Compares a reward model with what it was.
 *
 * @param kept the digests of then
 * @param remedy completes "put the old file back, or", for the error
 * @throws UserError naming the first file that is another, is missing or has come
 */
export async function checkModelDigests(folder: string, kept: Digests, remedy: string): Promise<void> {
  const now = await modelDigests(folder)
  const name = [...Object.keys(kept), ...Object.keys(now)].find((file) => now[file] !== kept[file])
  if (name === undefined) return
  const [is, was] = [now[name], kept[name]].map((hex) => hex && `${hex.slice(0, 12)}…`)
  const change =
    is === undefined
      ? 'is not used any more'
      : was === undefined
        ? 'is used now, and was not'
        : `is another file than it was (SHA-256 ${is} in place of ${was})`
  throw new UserError(
    `the reward model ${folder} has changed: its ${name} ${change}, so that its scores would be of another kind; put the old file back, or ${remedy}`,
  )
}
