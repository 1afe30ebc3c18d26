/**
 * What a folder on the command line stands for: a model folder, a run, or one of its checkpoints.
 * @module
 */
import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { UserError } from '../errors.ts'
import { HEAD_FILE } from './checkpoint.ts'
import type { Classifier } from './classifier_config.ts'
import { readClassifier } from './classifier_config.ts'
import { readManifest } from './manifest.ts'
import { parsePeftConfig } from './peft_config.ts'
import { exists, readJson, unreadable } from './read_file.ts'

/** `base` is the model before training. */
export const CHECKPOINTS = ['best', 'last', 'base'] as const
export type CheckpointName = (typeof CHECKPOINTS)[number]

export interface FoundModel {
  /** Folder with config.json, model.safetensors and tokenizer. */
  readonly base: string
  /** Folder of a PEFT adapter for it; absent where the base is used as it is. */
  readonly adapter?: string
  /** Folder of a checkpoint that holds a head for it, where nothing else was trained. */
  readonly headOnly?: string
  /** What its head answers, where it is a classifier. */
  readonly classifier?: Classifier
  /** Which checkpoint was chosen, where the folder is a run. */
  readonly checkpoint?: CheckpointName
}

export interface ModelChoice {
  /** Of a run: by default its best checkpoint, or its last, or the model it starts from, whichever there is. */
  readonly checkpoint?: CheckpointName
  /** An adapter to put on the model of the folder. */
  readonly adapter?: string
}

/**
 * Finds the model that a folder stands for.
 *
 * @throws UserError where the folder is missing or holds no model, or where the choice does not fit it
 */
export async function findModel(
  folder: string,
  { checkpoint, adapter }: ModelChoice = {},
): Promise<FoundModel> {
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
  if (names.includes(HEAD_FILE) && adapter === undefined) return headFolder(folder)
  if (!names.includes('config.json'))
    throw new UserError(
      `${folder} has neither config.json, adapter_config.json nor ortune.json; name the folder of a model, a run or a checkpoint`,
    )
  const classifier = await readClassifier(folder)
  return { base: folder, adapter, ...(classifier ? { classifier } : {}) }
}

async function modelOfRun(run: string, checkpoint: CheckpointName | undefined): Promise<FoundModel> {
  const { lora, head } = await readManifest(run)
  const classifier = head ? { classifier: head } : {}
  const wanted = checkpoint === undefined ? CHECKPOINTS : [checkpoint]
  for (const name of wanted) {
    if (name === 'base') return { base: run, checkpoint: name }
    const path = join(run, 'checkpoints', name)
    if (!(await exists(join(path, 'trainer_state.json')))) continue
    if (lora === 'full') return { base: path, ...classifier, checkpoint: name }
    return { base: run, ...classifier, [lora === 'none' ? 'headOnly' : 'adapter']: path, checkpoint: name }
  }
  throw new UserError(`${run} has no ${checkpoint} checkpoint yet; train it first, or choose another one`)
}

const runOf = (checkpoint: string): string => resolve(checkpoint, '..', '..')

/** A checkpoint lies in its run, which holds the base model and names the classes; other adapters name their base. */
async function adapterFolder(folder: string): Promise<FoundModel> {
  const run = runOf(folder)
  if (await exists(join(run, 'ortune.json'))) {
    const { head } = await readManifest(run)
    return { base: run, adapter: folder, ...(head ? { classifier: head } : {}) }
  }
  const path = join(folder, 'adapter_config.json')
  const { baseModel } = parsePeftConfig(await readJson(path), path)
  if (baseModel !== null && (await isFolder(baseModel))) return { base: baseModel, adapter: folder }
  throw new UserError(
    `${folder} is an adapter of ${baseModel ?? 'an unnamed model'}, which is no folder here; name the model's folder and give --adapter ${folder}`,
  )
}

async function headFolder(folder: string): Promise<FoundModel> {
  const run = runOf(folder)
  const { head } = (await exists(join(run, 'ortune.json'))) ? await readManifest(run) : { head: null }
  if (!head)
    throw new UserError(
      `${folder} holds a head without the model it is for; name its checkpoint within the run`,
    )
  return { base: run, headOnly: folder, classifier: head }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
