/**
 * A checkpoint of a run in a tab: one safetensors file with the trained tensors, what the optimizer keeps of each
 * (`<tensor>.<slot>`), and in its metadata where the run stands; one file, so that it is replaced whole.
 * @module
 */
import { UserError } from '../errors.ts'
import { checkFinite } from '../formats/finite.ts'
import type { FloatTensor } from '../formats/float_tensor.ts'
import { encodeSafetensors, readEntriesOf, readHeader } from '../formats/safetensors_bytes.ts'
import type { TrainerState } from '../learning/trainer_state.ts'
import { parseState, storedState } from '../learning/trainer_state.ts'
import type { Slot, TrainingState } from '../runtime/training_state.ts'
import { blobBytes } from './blob_files.ts'
import type { TabStorage } from './storage.ts'
import { withFile } from './storage.ts'

const KEY = 'trainer_state'

/** Each tensor and slot of a state, by its key in the file. */
const keysOf = (state: TrainingState): Map<string, readonly [name: string, slot: Slot]> =>
  new Map(
    state.names.flatMap((name): [string, readonly [string, Slot]][] => [
      [name, [name, 'parameter']],
      ...state
        .slots(name)
        .map((slot): [string, readonly [string, Slot]] => [`${name}.${slot}`, [name, slot]]),
    ]),
  )

/** @throws NotFinite naming the tensor where a number is not finite; the file of before stays */
export async function writeTensors(
  storage: TabStorage,
  path: string,
  state: TrainingState,
  at: TrainerState,
  task: string,
): Promise<void> {
  const tensors = new Map<string, FloatTensor>()
  for (const [key, [name, slot]] of keysOf(state))
    tensors.set(key, { shape: state.shape(name), data: await state.read(name, slot) })
  const metadata = { format: 'pt', [KEY]: JSON.stringify(storedState(at, task)) }
  await storage.write(path, encodeSafetensors(tensors, metadata) as BlobPart[])
}

/**
 * Fills a state.
 *
 * @returns where the run stands; undefined where there is no file
 * @throws UserError where it is damaged or another run's
 */
export async function readTensors(
  storage: TabStorage,
  path: string,
  state: TrainingState,
  task: string,
): Promise<TrainerState | undefined> {
  const blob = await storage.read(path)
  if (!blob) return undefined
  const bytes = blobBytes(path, blob)
  const header = await readHeader(bytes, path)
  for (const [key, [name, slot]] of keysOf(state)) {
    const entry = header.tensors.get(key)
    if (entry?.shape.join() !== state.shape(name).join())
      throw new UserError(`${path} has no tensor ${key} as this run trains it; remove the run and train anew`)
    const tensor = (await readEntriesOf(bytes, new Map([[key, entry]]), path)).get(key)!
    checkFinite(path, key, tensor.data)
    await state.write(name, slot, tensor.data)
  }
  return parseState(stateIn(header.metadata[KEY], path), task, path)
}

/** Where a checkpoint stands; undefined where there is none. */
export async function checkpointState(
  storage: TabStorage,
  path: string,
  task: string,
): Promise<TrainerState | undefined> {
  return withFile(storage, path, async (blob) => {
    const { metadata } = await readHeader(blobBytes(path, blob), path)
    return parseState(stateIn(metadata[KEY], path), task, path)
  })
}

/** The trained tensors alone. */
export async function trainedTensors(
  storage: TabStorage,
  path: string,
  names: Iterable<string>,
): Promise<Map<string, FloatTensor> | undefined> {
  return withFile(storage, path, async (blob) => {
    const bytes = blobBytes(path, blob)
    const { tensors } = await readHeader(bytes, path)
    const wanted = [...names].flatMap((name) => {
      const entry = tensors.get(name)
      return entry ? [[name, entry] as const] : []
    })
    return readEntriesOf(bytes, new Map(wanted), path)
  })
}

function stateIn(text: string | undefined, path: string): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    throw new UserError(`${path} does not say where its run stands; remove the run and train anew`)
  }
}
