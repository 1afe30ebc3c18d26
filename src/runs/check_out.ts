/**
 * What may be written over.
 * @module
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { UserError } from '../errors.ts'
import { CURRICULUM_FILE } from '../formats/curriculum.ts'
import { TOKENIZER_FILES } from '../formats/tokenizer_files.ts'
import { FROZEN_FILE } from '../formats/frozen_weights.ts'
import type { Manifest } from '../formats/manifest.ts'
import { readManifest } from '../formats/manifest.ts'
import { digestOf, filesIn } from '../formats/sealed.ts'

/**
 * An artifact folder may replace another one, but neither a run nor anything else, and a file that is not ortune's keeps the
 * folder as it is.
 *
 * @throws UserError naming what stands in the way
 */
export async function checkOut(out: string): Promise<void> {
  const names = await readdir(out).catch((): string[] => [])
  if (names.includes(CURRICULUM_FILE))
    throw new UserError(
      `${out} holds a curriculum already; go on with "ortune resume ${out}" or name another folder`,
    )
  if (names.includes('training.json'))
    throw new UserError(
      `${out} holds a run already; go on with "ortune resume ${out}" or name another folder`,
    )
  if (names.length === 0) return
  if (!names.includes('ortune.json'))
    throw new UserError(`${out} holds files that are no artifacts of ortune; name an empty or new folder`)
  const manifest = await readManifest(out)
  const { files } = manifest
  const foreign = hasDigests(files) ? await changedFiles(out, files) : await unknownFiles(out, manifest)
  if (foreign !== undefined)
    throw new UserError(
      `${out} would be replaced, but its file ${foreign} is not as ortune wrote it; move it, or name another folder`,
    )
}

const hasDigests = (files: object): boolean => Object.keys(files).length > 0

/** The first file of the folder that the manifest has not, or that is another by now. */
async function changedFiles(
  out: string,
  files: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  for (const name of await filesIn(out))
    if (name !== 'ortune.json' && files[name] !== (await digestOf(join(out, name)))) return name
  return undefined
}

/** The same by name alone, of a folder whose manifest has no digests. */
async function unknownFiles(
  out: string,
  { models, initial }: Pick<Manifest, 'models' | 'initial'>,
): Promise<string | undefined> {
  const known = new Set([
    ...['ortune.json', 'config.json', 'generation_config.json', 'model.safetensors', FROZEN_FILE],
    ...TOKENIZER_FILES,
    ...Object.keys(models),
    initial,
  ])
  return (await filesIn(out)).find((name) => !known.has(name))
}
