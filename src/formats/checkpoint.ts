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
import { fillModelFolder } from './model_folder.ts'
import { fillPeftAdapter, readPeftAdapter } from './peft.ts'
import { readJson } from './read_file.ts'
import type { FloatTensor } from './safetensors.ts'
import { readTensors, streamSafetensors } from './safetensors.ts'

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
  const moments = await readTensors(join(folder, 'optimizer.safetensors'))
  for (const key of momentShapes(memory).keys()) {
    const [name, moment] = splitKey(key)
    const { firstMoment, secondMoment } = memory.views(name)
    copyTensor(moments.get(key), moment === 'exp_avg' ? firstMoment : secondMoment, key, folder)
  }
  return readJson(join(folder, 'trainer_state.json'))
}

/** Loads the trained tensors alone: an adapter folder, or a model folder. */
export async function loadTrained(
  folder: string,
  memory: ParameterMemory,
  kind: 'lora' | 'full',
): Promise<void> {
  const tensors =
    kind === 'lora'
      ? (await readPeftAdapter(folder)).tensors
      : await readTensors(join(folder, 'model.safetensors'))
  for (const name of memory.names) copyTensor(tensors.get(name), memory.views(name).parameter, name, folder)
}

function copyTensor(
  tensor: FloatTensor | undefined,
  target: Float32Array,
  name: string,
  folder: string,
): void {
  if (tensor?.data.length !== target.length) {
    throw new UserError(
      `${folder} has no tensor ${name} of the size this run trains; is it another run's checkpoint?`,
    )
  }
  target.set(tensor.data)
}

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
