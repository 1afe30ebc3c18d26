/**
 * Checkpoints: the trained tensors in a format other tools read (PEFT's, or a whole model folder), AdamW's moments,
 * and the trainer's state. A checkpoint is written beside its place and renamed, so it is whole or absent.
 * @module
 */
import { sizeOf } from '../../graphs/ir/shape.ts'
import { readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import type { Adaptation } from '../../graphs/models/adaptation.ts'
import type { ModelConfig } from '../../graphs/models/family.ts'
import { headShapes } from '../../graphs/models/encoder.ts'
import type { Head } from '../../graphs/models/head.ts'
import { headOutputs, isPooled } from '../../graphs/models/head.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import { VALUE_HEAD_BIAS, VALUE_HEAD_WEIGHT } from '../../graphs/models/value_head.ts'
import { TRAINED_FILE } from '../formats/trained_file.ts'
import { UserError } from '../errors.ts'
import type { Slot, TrainingState } from '../runtime/training_state.ts'
import { CHAT_TEMPLATE_FILE } from '../formats/chat_template.ts'
import { copyFiles } from '../formats/companions.ts'
import { placeTokenizerFiles } from '../formats/place_tokenizer_files.ts'
import type { ModelCard } from '../formats/model_card.ts'
import { writeCard } from '../formats/model_card.ts'
import { fillModelFolder, openModelFolder } from '../formats/model_folder.ts'
import { fillPeftAdapter, readPeftAdapter } from '../formats/peft.ts'
import { checkCheckpoint, sealState, STATE_FILE, withoutSeal } from '../formats/checkpoint_seal.ts'
import { checkFinite } from '../formats/finite.ts'
import { exists } from '../formats/read_file.ts'
import type { FloatTensor, TensorEntry } from '../formats/safetensors.ts'
import {
  readEntries,
  readSafetensorsHeader,
  readTensors,
  streamSafetensors,
  writeSafetensors,
} from '../formats/safetensors.ts'
import { recoverStandingFolder, writeStandingFolder } from '../formats/standing_folder.ts'

/** What the trained tensors are part of. */
export interface Trained {
  /** An adapter, which is written in PEFT's format; a whole model folder (`full`); or what is trained beside it (`none`). */
  readonly lora: Adaptation
  /** Where it is one on a pooled vector, its tensors are among the trained ones. */
  readonly head: Head
  readonly config: ModelConfig
  /** Name or path of the model that an adapter is for. */
  readonly baseModel: string | null
  /** The folder whose tokenizer files go along with a whole model. */
  readonly companions: string
  /** Which run's they are, as its manifest has it; runs of before have none. */
  readonly identity?: string | undefined
}

/** Trained tensors that are being filled. */
export type TensorsToFill = Pick<TrainingState, 'names' | 'shape' | 'write'>

const VALUE_HEAD: readonly string[] = [VALUE_HEAD_WEIGHT, VALUE_HEAD_BIAS]

/** Where it keeps PPO's value head, which only further training has a use for. */
const VALUE_HEAD_FILE = 'value_head.safetensors'

/**
 * Writes a checkpoint folder with its card, which readers find whole at any moment; `trainerState` is stored as `trainer_state.json`.
 *
 * @throws NotFinite naming the tensor where a number is not finite; the checkpoint of before stays
 */
export async function writeCheckpoint(
  folder: string,
  state: TrainingState,
  trained: Trained,
  trainerState: object,
  card?: ModelCard,
): Promise<void> {
  const { lora, head, config, baseModel, companions, identity } = trained
  const tensorsOf = async (names: readonly string[]) => {
    const tensors = new Map<string, FloatTensor>()
    for (const name of names)
      tensors.set(name, { shape: state.shape(name), data: await state.read(name, 'parameter') })
    return tensors
  }
  const { model, valueHead } = parts(state)
  const tensors = await tensorsOf(model)
  const fill = async (temporary: string) => {
    if (valueHead.length > 0)
      await writeSafetensors(join(temporary, VALUE_HEAD_FILE), await tensorsOf(valueHead))
    if (lora === 'full') {
      await fillModelFolder(temporary, { config, tensors, head })
      await placeTokenizerFiles(companions, temporary)
      await copyFiles(companions, temporary, ['generation_config.json', CHAT_TEMPLATE_FILE])
    } else if (lora === 'none') {
      await writeSafetensors(join(temporary, TRAINED_FILE), tensors)
    } else {
      const isHead = new Set(isPooled(head) ? headShapes(config, headOutputs(head)).keys() : [])
      const part = (ofHead: boolean) => new Map([...tensors].filter(([name]) => isHead.has(name) === ofHead))
      await fillPeftAdapter(temporary, {
        ...lora,
        baseModel,
        tensors: part(false),
        ...(isPooled(head) ? { head: part(true) } : {}),
      })
    }
    await streamSafetensors(join(temporary, 'optimizer.safetensors'), slotShapes(state), (key) =>
      state.read(...splitKey(key)),
    )
    if (card) await writeCard(temporary, card)
    const stored = await sealState(temporary, trainerState, identity)
    await writeFile(join(temporary, STATE_FILE), `${JSON.stringify(stored, null, 2)}\n`)
  }
  await writeStandingFolder(folder, fill)
}

/** Whether there is a checkpoint: a folder with something in it. */
export async function hasCheckpoint(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((): string[] => [])
  return names.some((name) => !name.startsWith('.'))
}

/**
 * Loads a checkpoint into a training state and returns its `trainer_state.json`, unchecked; undefined where there is none.
 *
 * @throws UserError where it is not what training saved, or its tensors are not those of the state
 */
export async function readCheckpoint(
  folder: string,
  state: TrainingState,
  lora: Adaptation,
): Promise<unknown> {
  await recoverStandingFolder(folder)
  if (!(await hasCheckpoint(folder))) return undefined
  const stored = withoutSeal(await checkCheckpoint(folder, 'training', await orInstead(folder)))
  await loadTrained(folder, state, lora)
  const path = join(folder, 'optimizer.safetensors')
  const { tensors } = await readSafetensorsHeader(path)
  for (const key of slotShapes(state).keys())
    await readInto(path, tensors.get(key), state, ...splitKey(key), key)
  return stored
}

/** What to do where a checkpoint cannot be gone on from, beside putting it back from a copy. */
async function orInstead(last: string): Promise<string> {
  const best = join(dirname(last), 'best')
  return best !== last && (await exists(join(best, STATE_FILE)))
    ? `, or a copy of ${best} in the place of ${last} to go on from the step of that one, or train anew`
    : ', or train anew'
}

/** Loads the trained tensors alone: of an adapter, a whole model, or beside a model. */
export async function loadTrained(folder: string, state: TensorsToFill, lora: Adaptation): Promise<void> {
  if (lora === 'none') return loadTensors(join(folder, TRAINED_FILE), state)
  const { model, valueHead } = parts(state)
  if (valueHead.length > 0) {
    const path = join(folder, VALUE_HEAD_FILE)
    await fill(state, valueHead, await readTensors(path), path)
  }
  if (lora === 'full') return loadParameters(folder, state)
  await fill(state, model, await adapterTensors(folder), folder)
}

/**
 * The same of another run's checkpoint, for a run that starts from it. A value head stays as it is where that has none.
 *
 * @throws UserError where its tensors are damaged, or not those of the state
 */
export async function loadStart(folder: string, state: TensorsToFill, lora: Adaptation): Promise<void> {
  await checkCheckpoint(folder, 'training', '')
  const { model, valueHead } = parts(state)
  const complete = valueHead.length === 0 || (await exists(join(folder, VALUE_HEAD_FILE)))
  await loadTrained(folder, complete ? state : { ...state, names: model }, lora)
}

/** What belongs to the model itself, and PPO's value head. */
function parts({ names }: Pick<TrainingState, 'names'>): { model: string[]; valueHead: string[] } {
  const valueHead = names.filter((name) => VALUE_HEAD.includes(name))
  return { model: names.filter((name) => !VALUE_HEAD.includes(name)), valueHead }
}

/**
 * Loads tensors of a file by their names.
 *
 * @param shapes which; by default all that the state has
 */
export async function loadTensors(
  path: string,
  state: TensorsToFill,
  shapes?: ParameterShapes,
): Promise<void> {
  await fill(state, shapes ? [...shapes.keys()] : state.names, await readTensors(path), path)
}

async function fill(
  state: TensorsToFill,
  names: readonly string[],
  tensors: ReadonlyMap<string, FloatTensor>,
  where: string,
): Promise<void> {
  for (const name of names) {
    const tensor = tensors.get(name)
    if (tensor?.data.length !== sizeOf(state.shape(name))) throw mismatch(where, name)
    checkFinite(where, name, tensor.data)
    await state.write(name, 'parameter', tensor.data)
  }
}

/**
 * Loads a model folder's parameters.
 *
 * @param shapes which; by default all that the state has of the model itself
 */
export async function loadParameters(
  folder: string,
  state: TensorsToFill,
  shapes: ParameterShapes = new Map(parts(state).model.map((name) => [name, state.shape(name)])),
): Promise<void> {
  const { tensors } = await openModelFolder(folder, () => shapes)
  for (const [name, entry] of tensors) await readInto(entry.file, entry, state, name, 'parameter', name)
}

async function adapterTensors(folder: string): Promise<ReadonlyMap<string, FloatTensor>> {
  const { tensors, head } = await readPeftAdapter(folder)
  return head ? new Map([...tensors, ...head]) : tensors
}

/** Reads one tensor straight to where it belongs; a model's tensors together would double the memory. */
async function readInto(
  path: string,
  entry: TensorEntry | undefined,
  state: TensorsToFill,
  name: string,
  slot: Slot,
  key: string,
): Promise<void> {
  const tensor = entry && (await readEntries(path, new Map([[key, entry]]))).get(key)
  if (tensor?.data.length !== sizeOf(state.shape(name))) throw mismatch(path, key)
  checkFinite(path, key, tensor.data)
  await state.write(name, slot, tensor.data)
}

const mismatch = (where: string, name: string): UserError =>
  new UserError(`${where} has no tensor ${name} of the size this run trains; is it another run's checkpoint?`)

/** What the optimizer keeps, by the key in its file: `<tensor>.<slot>`. */
const slotShapes = (state: TrainingState): Map<string, readonly number[]> =>
  new Map(
    state.names.flatMap((name) =>
      state.slots(name).map((slot) => [`${name}.${slot}`, state.shape(name)] as const),
    ),
  )

function splitKey(key: string): [name: string, slot: Slot] {
  const dot = key.lastIndexOf('.')
  return [key.slice(0, dot), key.slice(dot + 1) as Slot]
}
