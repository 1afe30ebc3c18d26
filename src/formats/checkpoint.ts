/**
 * Checkpoints: the trained tensors in a format other tools read (PEFT's, or a whole model folder), AdamW's moments,
 * and the trainer's state. A checkpoint is written beside its place and renamed, so it is whole or absent.
 * @module
 */
import { copyFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Gpt2Config } from '../../graphs/models/gpt2_config.ts'
import type { LoraConfig } from '../../graphs/models/lora_config.ts'
import { UserError } from '../errors.ts'
import type { ParameterMemory } from '../runtime/parameter_memory.ts'
import { recoverFolder, writeFolderAtomic } from './atomic.ts'
import { fillModelFolder, openGpt2Folder } from './model_folder.ts'
import { fillPeftAdapter, readPeftAdapter } from './peft.ts'
import { readJson } from './read_file.ts'
import type { TensorEntry } from './safetensors.ts'
import { readEntries, readSafetensorsHeader, streamSafetensors } from './safetensors.ts'

/** What the trained tensors are: an adapter on a base model, or a whole model. */
export type Trained =
  | { readonly lora: LoraConfig; readonly baseModel: string | null }
  /** `companions`: the folder whose tokenizer files go along. */
  | { readonly config: Gpt2Config; readonly companions: string }

/** Writes a checkpoint folder; `state` is stored as `trainer_state.json`. */
export async function writeCheckpoint(
  folder: string,
  memory: ParameterMemory,
  trained: Trained,
  state: unknown,
): Promise<void> {
  const tensors = new Map(
    memory.names.map((name) => {
      const { shape, parameter } = memory.views(name)
      return [name, { shape, data: parameter }]
    }),
  )
  await writeFolderAtomic(folder, async (temporary) => {
    if ('lora' in trained)
      await fillPeftAdapter(temporary, { ...trained.lora, baseModel: trained.baseModel, tensors })
    else {
      await fillModelFolder(temporary, { config: trained.config, tensors })
      await copyTokenizer(trained.companions, temporary)
    }
    await streamSafetensors(join(temporary, 'optimizer.safetensors'), momentShapes(memory), (key) => {
      const [name, moment] = splitKey(key)
      const { firstMoment, secondMoment } = memory.views(name)
      return moment === 'exp_avg' ? firstMoment : secondMoment
    })
    await writeFile(join(temporary, 'trainer_state.json'), `${JSON.stringify(state, null, 2)}\n`)
  })
}

/**
 * Loads a checkpoint into the memory and returns its `trainer_state.json`, unchecked; undefined where there is none.
 *
 * @throws UserError where its tensors are not those of the memory
 */
export async function readCheckpoint(
  folder: string,
  memory: ParameterMemory,
  kind: 'lora' | 'full',
): Promise<unknown> {
  await recoverFolder(folder)
  const names = await readdir(folder).catch((): string[] => [])
  if (!names.includes('trainer_state.json')) return undefined
  await loadTrained(folder, memory, kind)
  const path = join(folder, 'optimizer.safetensors')
  const { tensors } = await readSafetensorsHeader(path)
  for (const key of momentShapes(memory).keys()) {
    const [name, moment] = splitKey(key)
    const { firstMoment, secondMoment } = memory.views(name)
    await readInto(path, tensors.get(key), moment === 'exp_avg' ? firstMoment : secondMoment, key)
  }
  return readJson(join(folder, 'trainer_state.json'))
}

/** Loads the trained tensors alone: an adapter folder, or a model folder. */
export async function loadTrained(
  folder: string,
  memory: ParameterMemory,
  kind: 'lora' | 'full',
): Promise<void> {
  if (kind === 'full') {
    const { weights, tensors } = await openGpt2Folder(folder)
    for (const name of memory.names)
      await readInto(weights, tensors.get(name), memory.views(name).parameter, name)
    return
  }
  const { tensors } = await readPeftAdapter(folder)
  for (const name of memory.names) {
    const tensor = tensors.get(name)
    const { parameter } = memory.views(name)
    if (tensor?.data.length !== parameter.length) throw mismatch(folder, name)
    parameter.set(tensor.data)
  }
}

/** Reads one tensor straight to where it belongs; a model's tensors together would double the memory. */
async function readInto(
  path: string,
  entry: TensorEntry | undefined,
  target: Float32Array,
  name: string,
): Promise<void> {
  const tensor = entry && (await readEntries(path, new Map([[name, entry]]))).get(name)
  if (tensor?.data.length !== target.length) throw mismatch(path, name)
  target.set(tensor.data)
}

const mismatch = (where: string, name: string): UserError =>
  new UserError(`${where} has no tensor ${name} of the size this run trains; is it another run's checkpoint?`)

const momentShapes = (memory: ParameterMemory): Map<string, readonly number[]> =>
  new Map(
    memory.names.flatMap((name) =>
      ['exp_avg', 'exp_avg_sq'].map((moment) => [`${name}.${moment}`, memory.views(name).shape]),
    ),
  )

function splitKey(key: string): [name: string, moment: string] {
  const dot = key.lastIndexOf('.')
  return [key.slice(0, dot), key.slice(dot + 1)]
}

async function copyTokenizer(from: string, to: string): Promise<void> {
  const files = (await readdir(from)).filter((name) =>
    /^(tokenizer.*|special_tokens_map|vocab)\.json$|^merges\.txt$/.test(name),
  )
  for (const name of files) await copyFile(join(from, name), join(to, name))
}
