/**
 * What a folder on the command line stands for: a model folder, a run, a curriculum, or a checkpoint.
 * @module
 */
import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import type { Head } from '../../graphs/models/head.ts'
import { isPooled, languageHead } from '../../graphs/models/head.ts'
import type { NptConfig } from '../../graphs/models/npt_config.ts'
import { UserError } from '../errors.ts'
import { TRAINED_FILE } from '../formats/trained_file.ts'
import { standingRun } from '../formats/curriculum.ts'
import { checkCheckpoint, STATE_FILE } from '../formats/checkpoint_seal.ts'
import { readHead } from '../formats/classifier_config.ts'
import type { Manifest } from '../formats/manifest.ts'
import { checkFiles, readManifest } from '../formats/manifest.ts'
import { readNptConfig } from '../formats/npt_config.ts'
import { parsePeftConfig } from '../formats/peft_config.ts'
import { exists, readJson, unreadable } from '../formats/read_file.ts'
import { standingFolder } from '../formats/standing_folder.ts'

/** `base` is the model before training. */
export const CHECKPOINTS = ['best', 'last', 'base'] as const
export type CheckpointName = (typeof CHECKPOINTS)[number]

/** Those that training makes, in the order in which they are looked for. */
const TRAINED = ['best', 'last'] as const satisfies CheckpointName[]

export interface FoundModel {
  /** Folder with config.json, model.safetensors and tokenizer. */
  readonly base: string
  /** Folder of a PEFT adapter for it; absent where the base is used as it is. */
  readonly adapter?: string
  /** Folder of a checkpoint that holds what was trained beside it: a head, plastic blocks. */
  readonly trained?: string
  /** What it answers with, by default the next token. */
  readonly head?: Head
  /** Its plastic blocks, where it has some. */
  readonly npt?: NptConfig
  /** Which checkpoint was chosen, where the folder is a run. */
  readonly checkpoint?: CheckpointName
}

export interface ModelChoice {
  /** Of a run: by default its best checkpoint, or its last, whichever there is. */
  readonly checkpoint?: CheckpointName
  /** An adapter to put on the model of the folder. */
  readonly adapter?: string
}

/**
 * Finds the model that a folder stands for; that of a curriculum stands for the run of its last stage.
 *
 * @throws UserError where the folder is missing or holds no model, where the choice does not fit it, or a checkpoint is not
 * what training saved
 */
export async function findModel(folder: string, choice: ModelChoice = {}): Promise<FoundModel> {
  const found = await find(folder, choice)
  const checkpoint = found.adapter ?? found.trained ?? found.base
  const isTrained = TRAINED.some((name) => name === found.checkpoint)
  if (isTrained || (await exists(join(checkpoint, STATE_FILE))))
    await checkCheckpoint(checkpoint, 'model', ', or use another checkpoint')
  await checkHead(found)
  return found
}

/**
 * An adapter that was trained with a head of its own has learned nothing about writing: texts of a model under it would look like texts.
 *
 * @throws UserError where a language model is to be used with one
 */
async function checkHead({ base, adapter, head }: FoundModel): Promise<void> {
  if (adapter === undefined || head !== undefined) return
  const path = join(adapter, 'adapter_config.json')
  if (!(await exists(path)) || !parsePeftConfig(await readJson(path), path).hasHead) return
  throw new UserError(
    `${adapter} is the adapter of a classifier or a reward model, and ${base} a language model, which it would have write without sense; name the adapter's own run to "ortune classify" or "ortune score"`,
  )
}

async function find(named: string, { checkpoint, adapter }: ModelChoice): Promise<FoundModel> {
  const folder = await standingRun(named)
  const names = await readdir(folder).catch((error: unknown) => {
    throw (error as NodeJS.ErrnoException).code === 'ENOTDIR'
      ? new UserError(`${folder} is a file; name the folder of a model, a run or a checkpoint`)
      : unreadable(folder, error)
  })
  const isRun = names.includes('ortune.json')
  if (checkpoint !== undefined && adapter !== undefined)
    throw new UserError(
      `--checkpoint ${checkpoint} and --adapter ${adapter} both say what to use; leave one out`,
    )
  if (checkpoint !== undefined && !isRun)
    throw new UserError(`${folder} is no run, so it has no ${checkpoint} checkpoint; leave --checkpoint out`)
  if (isRun && adapter === undefined) return modelOfRun(folder, checkpoint)
  if (names.includes('adapter_config.json')) {
    if (adapter !== undefined)
      throw new UserError(`${folder} is an adapter itself; name the model's folder, or leave --adapter out`)
    return adapterFolder(folder)
  }
  if (names.includes(TRAINED_FILE) && adapter === undefined) return trainedFolder(folder)
  if (!names.includes('config.json'))
    throw new UserError(
      `${folder} has neither config.json, adapter_config.json nor ortune.json; name the folder of a model, a run or a checkpoint`,
    )
  const npt = (await readNptConfig(folder)) ?? null
  return { base: folder, adapter, ...partsOf({ head: await readHead(folder), npt }) }
}

async function modelOfRun(run: string, checkpoint: CheckpointName | undefined): Promise<FoundModel> {
  const manifest = await readChecked(run)
  const { lora } = manifest
  // An untrained model must not pass for a trained one; artifacts without a run are what they are.
  const isTraining = await exists(join(run, 'training.json'))
  const wanted = checkpoint !== undefined ? [checkpoint] : isTraining ? TRAINED : CHECKPOINTS
  for (const name of wanted) {
    if (name === 'base') return { base: run, checkpoint: name }
    const path = await standingFolder(join(run, 'checkpoints', name))
    if (!(await hasFiles(path))) continue
    if (lora === 'full') return { base: path, ...partsOf(manifest), checkpoint: name }
    return {
      base: run,
      ...partsOf(manifest),
      [lora === 'none' ? 'trained' : 'adapter']: path,
      checkpoint: name,
    }
  }
  throw new UserError(
    `${run} has no ${checkpoint === undefined ? '' : `${checkpoint} `}checkpoint yet; go on with "ortune resume ${run}", or choose base, the model before training`,
  )
}

/** The manifest of a run whose model is the one that it was made with. */
async function readChecked(run: string): Promise<Manifest> {
  const manifest = await readManifest(run)
  await checkFiles(run, manifest, 'model')
  return manifest
}

const runOf = (checkpoint: string): string => resolve(checkpoint, '..', '..')

/** A checkpoint lies in its run, which holds the base model and names the classes; other adapters name their base. */
async function adapterFolder(folder: string): Promise<FoundModel> {
  const run = runOf(folder)
  if (await exists(join(run, 'ortune.json')))
    return { base: run, adapter: folder, ...partsOf(await readChecked(run)) }
  const path = join(folder, 'adapter_config.json')
  const { baseModel } = parsePeftConfig(await readJson(path), path)
  if (baseModel !== null && (await isFolder(baseModel))) return { base: baseModel, adapter: folder }
  throw new UserError(
    `${folder} is an adapter of ${baseModel ?? 'an unnamed model'}, which is no folder here; name the model's folder and give --adapter ${folder}`,
  )
}

async function trainedFolder(folder: string): Promise<FoundModel> {
  const run = runOf(folder)
  if (await exists(join(run, 'ortune.json')))
    return { base: run, trained: folder, ...partsOf(await readChecked(run)) }
  throw new UserError(`${folder} holds a part of a model alone; name its checkpoint within the run`)
}

/** What a model has that a plain language model has not. */
const partsOf = ({
  head,
  npt,
}: {
  readonly head: Head
  readonly npt: NptConfig | null
}): Pick<FoundModel, 'head' | 'npt'> => ({
  ...(isPooled(head) ? { head } : {}),
  ...(npt ? { npt } : {}),
})

/** What a found model answers with. */
export const headOf = ({ head = languageHead }: Pick<FoundModel, 'head'>): Head => head

const hasFiles = (folder: string): Promise<boolean> =>
  readdir(folder).then(
    (names) => names.some((name) => !name.startsWith('.')),
    () => false,
  )

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
