/**
 * Where a run that starts from another one finds its tensors, and whether they are tensors of the same model.
 * @module
 */
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import type { Adaptation } from '../../graphs/models/adaptation.ts'
import type { Head } from '../../graphs/models/head.ts'
import { UserError } from '../errors.ts'
import { standingRun } from '../formats/curriculum.ts'
import { checkFiles } from '../formats/manifest.ts'
import { readModelConfig } from '../formats/model_config.ts'
import { exists } from '../formats/read_file.ts'
import { digestOf } from '../formats/sealed.ts'
import { standingFolder } from '../formats/standing_folder.ts'
import { tokenizerDifference } from '../formats/tokenizer_difference.ts'
import { WEIGHTS_FILE } from '../formats/weight_files.ts'
import type { Trained } from './run_graphs.ts'
import type { RunManifest } from './run_manifest.ts'
import { readRunManifest } from './run_manifest.ts'

/** A checkpoint to start from. */
export interface Start {
  /** As the configuration names it. */
  readonly from: string
  readonly run: string
  readonly checkpoint: string
  readonly manifest: RunManifest
}

/**
 * The best checkpoint of a run, or the last where there is no best; or the checkpoint that is named.
 *
 * @throws UserError where there is none
 */
export async function findStart(from: string): Promise<Start> {
  const folder = await standingRun(from)
  const isRun = await exists(join(folder, 'ortune.json'))
  const run = isRun ? folder : resolve(folder, '..', '..')
  if (!isRun && !(await exists(join(run, 'ortune.json'))))
    throw new UserError(
      `from: ${from} is neither a run nor one of its checkpoints; name one, or leave from out`,
    )
  const manifest = await readRunManifest(run)
  await checkFiles(run, manifest, 'model')
  for (const place of isRun ? ['best', 'last'].map((name) => join(run, 'checkpoints', name)) : [folder]) {
    const checkpoint = await standingFolder(place)
    if (await exists(join(checkpoint, 'trainer_state.json'))) return { from, run, checkpoint, manifest }
  }
  throw new UserError(`from: ${from} has no checkpoint yet; train it first with "ortune resume ${from}"`)
}

/**
 * Whether a start is of the model that lies in a folder, and of the same adaptation.
 *
 * @throws UserError saying where they part
 */
export async function checkStart(
  { from, run, manifest }: Start,
  folder: string,
  { lora, npt }: Pick<Trained, 'lora' | 'npt'>,
): Promise<void> {
  const differ = (what: string, remedy: string) =>
    new UserError(`from: ${from} ${what}; ${remedy}, or leave from out`)
  if (!isDeepStrictEqual(await shapeOf(run), await shapeOf(folder)))
    throw differ('is of a model of another shape', 'name the model that it was trained on')
  const tokens = await tokenizerDifference(run, folder)
  if (tokens !== undefined)
    throw differ(`has another tokenizer (${tokens})`, 'name the model that it was trained on')
  if (!isDeepStrictEqual(sorted(manifest.lora), sorted(lora)))
    throw differ(`trained ${words(manifest.lora)}, and this run trains ${words(lora)}`, 'give the same lora')
  if (!isDeepStrictEqual(manifest.npt, npt))
    throw differ('has other plastic blocks than this run', 'describe the same ones under npt')
  // Of a model that is trained whole, nothing of what it began with is left.
  if (lora !== 'full' && (await weightsOf(run, manifest)) !== (await digestOf(join(folder, WEIGHTS_FILE))))
    throw differ(
      'was trained on other weights of a model of this shape',
      'name the model that it was trained on',
    )
}

/** Whether the head is the same, classes and all. */
export function checkStartHead({ from, manifest: { head: there } }: Start, head: Head): void {
  const plain = (one: object): Record<string, unknown> => ({
    ...(JSON.parse(JSON.stringify(one)) as object),
    dropout: null,
  })
  if (isDeepStrictEqual(plain(there), plain(head))) return
  const classes = 'classes' in there && 'classes' in head
  throw new UserError(
    classes
      ? `from: ${from} has the classes ${there.classes.join(', ')} and this run ${head.classes.join(', ')}; name the same under classes, in the same order, or leave from out`
      : `from: ${from} has another head than this run; write its model with "ortune merge ${from} --out …" and name that as model, in place of from`,
  )
}

/** The configuration of a model, but for what a head on it adds. */
const shapeOf = async (folder: string): Promise<object> => ({
  ...(await readModelConfig(folder)),
  pad_token_id: null,
})

const weightsOf = async (run: string, { files }: RunManifest): Promise<string> =>
  files[WEIGHTS_FILE] ?? (await digestOf(join(run, WEIGHTS_FILE)))

const sorted = (lora: Adaptation): unknown =>
  typeof lora === 'string' ? lora : { ...lora, target_modules: [...lora.target_modules].sort() }

const words = (lora: Adaptation): string =>
  typeof lora === 'string'
    ? `lora ${lora}`
    : `adapters of r ${lora.r}, lora_alpha ${lora.lora_alpha} on ${lora.target_modules.join(', ')}`
