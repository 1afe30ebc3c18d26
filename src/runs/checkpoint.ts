/**
 * Checkpoints: the trained tensors in a format other tools read (PEFT's, or a whole model folder), AdamW's moments,
 * and the trainer's state. A checkpoint is written beside its place and renamed, so it is whole or absent.
 * @module
 */
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Adaptation } from '../../graphs/models/adaptation.ts'
import type { EncoderConfig } from '../../graphs/models/encoder.ts'
import { headShapes } from '../../graphs/models/encoder.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { VALUE_HEAD_BIAS, VALUE_HEAD_WEIGHT } from '../../graphs/models/value_head.ts'
import { UserError } from '../errors.ts'
import type { ParameterMemory } from '../runtime/parameter_memory.ts'
import { recoverFolder, writeFolderAtomic } from '../formats/atomic.ts'
import { copyFiles, TOKENIZER_FILES } from '../formats/companions.ts'
import type { ClassificationHead } from '../formats/manifest.ts'
import { fillModelFolder, openModelFolder } from '../formats/model_folder.ts'
import { fillPeftAdapter, readPeftAdapter } from '../formats/peft.ts'
import { readJson } from '../formats/read_file.ts'
import type { FloatTensor, TensorEntry } from '../formats/safetensors.ts'
import {
  readEntries,
  readSafetensorsHeader,
  readTensors,
  streamSafetensors,
  writeSafetensors,
} from '../formats/safetensors.ts'

/** What the trained tensors are part of. */
export interface Trained {
  /** An adapter, which is written in PEFT's format; a whole model folder (`full`); or what is trained beside it (`none`). */
  readonly lora: Adaptation
  /** Of a classifier; the head's tensors are then among the trained ones. */
  readonly head: ClassificationHead | null
  readonly config: EncoderConfig
  /** Name or path of the model that an adapter is for. */
  readonly baseModel: string | null
  /** The folder whose tokenizer files go along with a whole model. */
  readonly companions: string
}

/** Where a checkpoint keeps what was trained beside a frozen model: a head, plastic blocks. */
export const TRAINED_FILE = 'trained.safetensors'

const VALUE_HEAD: readonly string[] = [VALUE_HEAD_WEIGHT, VALUE_HEAD_BIAS]

/** Where it keeps PPO's value head, which only further training has a use for. */
const VALUE_HEAD_FILE = 'value_head.safetensors'

/** Writes a checkpoint folder; `state` is stored as `trainer_state.json`. */
export async function writeCheckpoint(
  folder: string,
  memory: ParameterMemory,
  trained: Trained,
  state: unknown,
): Promise<void> {
  const { lora, head, config, baseModel, companions } = trained
  const tensorsOf = (names: readonly string[]) =>
    new Map(
      names.map((name) => {
        const { shape, parameter } = memory.views(name)
        return [name, { shape, data: parameter }]
      }),
    )
  const { model, valueHead } = parts(memory)
  const tensors = tensorsOf(model)
  await writeFolderAtomic(folder, async (temporary) => {
    if (valueHead.length > 0) await writeSafetensors(join(temporary, VALUE_HEAD_FILE), tensorsOf(valueHead))
    if (lora === 'full') {
      await fillModelFolder(temporary, { config, tensors, ...(head ? { classifier: head } : {}) })
      await copyFiles(companions, temporary, TOKENIZER_FILES)
    } else if (lora === 'none') {
      await writeSafetensors(join(temporary, TRAINED_FILE), tensors)
    } else {
      const isHead = new Set(head ? headShapes(config, head.classes.length).keys() : [])
      const part = (ofHead: boolean) => new Map([...tensors].filter(([name]) => isHead.has(name) === ofHead))
      await fillPeftAdapter(temporary, {
        ...lora,
        baseModel,
        tensors: part(false),
        ...(head ? { head: part(true) } : {}),
      })
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
  lora: Adaptation,
): Promise<unknown> {
  await recoverFolder(folder)
  const names = await readdir(folder).catch((): string[] => [])
  if (!names.includes('trainer_state.json')) return undefined
  await loadTrained(folder, memory, lora)
  const path = join(folder, 'optimizer.safetensors')
  const { tensors } = await readSafetensorsHeader(path)
  for (const key of momentShapes(memory).keys()) {
    const [name, moment] = splitKey(key)
    const { firstMoment, secondMoment } = memory.views(name)
    await readInto(path, tensors.get(key), moment === 'exp_avg' ? firstMoment : secondMoment, key)
  }
  return readJson(join(folder, 'trainer_state.json'))
}

/** Loads the trained tensors alone: of an adapter, a whole model, or beside a model. */
export async function loadTrained(folder: string, memory: ParameterMemory, lora: Adaptation): Promise<void> {
  if (lora === 'none') return loadTensors(join(folder, TRAINED_FILE), memory)
  const { model, valueHead } = parts(memory)
  if (valueHead.length > 0) {
    const path = join(folder, VALUE_HEAD_FILE)
    fill(memory, valueHead, await readTensors(path), path)
  }
  if (lora === 'full') return loadParameters(folder, memory)
  fill(memory, model, await adapterTensors(folder), folder)
}

/** What belongs to the model itself, and PPO's value head. */
function parts({ names }: ParameterMemory): { model: string[]; valueHead: string[] } {
  const valueHead = names.filter((name) => VALUE_HEAD.includes(name))
  return { model: names.filter((name) => !VALUE_HEAD.includes(name)), valueHead }
}

/**
 * Loads tensors of a file by their names.
 *
 * @param shapes which; by default all that the memory has
 */
export async function loadTensors(
  path: string,
  memory: ParameterMemory,
  shapes?: ParameterShapes,
): Promise<void> {
  fill(memory, shapes ? [...shapes.keys()] : memory.names, await readTensors(path), path)
}

function fill(
  memory: ParameterMemory,
  names: readonly string[],
  tensors: ReadonlyMap<string, FloatTensor>,
  where: string,
): void {
  for (const name of names) {
    const tensor = tensors.get(name)
    const { parameter } = memory.views(name)
    if (tensor?.data.length !== parameter.length) throw mismatch(where, name)
    parameter.set(tensor.data)
  }
}

/**
 * Loads a model folder's parameters.
 *
 * @param shapes which; by default all that the memory has of the model itself
 */
export async function loadParameters(
  folder: string,
  memory: ParameterMemory,
  shapes: ParameterShapes = new Map(parts(memory).model.map((name) => [name, memory.views(name).shape])),
): Promise<void> {
  const { weights, tensors } = await openModelFolder(folder, () => shapes)
  for (const [name, entry] of tensors) await readInto(weights, entry, memory.views(name).parameter, name)
}

async function adapterTensors(folder: string): Promise<ReadonlyMap<string, FloatTensor>> {
  const { tensors, head } = await readPeftAdapter(folder)
  return head ? new Map([...tensors, ...head]) : tensors
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
