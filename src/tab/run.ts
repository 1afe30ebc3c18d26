/**
 * A run in a tab, from its settings to its last step: the tasks, the loop and the graphs of Node on what a page has.
 *
 *     runs/<name>/run.json  train.arrow  validation.arrow     what is learned, and on what
 *     runs/<name>/log.jsonl  last.safetensors  best.safetensors   how it goes
 * @module
 */
import { isPooled } from '../../graphs/models/head.ts'
import { adapterScale } from '../../graphs/models/lora_config.ts'
import type { ParameterShapes } from '../../graphs/models/parameters.ts'
import type { DataSet } from '../data/sets/data_set.ts'
import { bytesInMemory, readArrowDataset } from '../data/sets/arrow_reader.ts'
import { UserError } from '../errors.ts'
import { stopTokens } from '../generation/token_generator.ts'
import type { EvaluationRecord, Listener, StepRecord } from '../learning/listeners.ts'
import type { TrainerState } from '../learning/trainer_state.ts'
import { initialState } from '../learning/trainer_state.ts'
import type { RewardFunction } from '../rewards/reward_function.ts'
import { initialAdapter, initialHead } from '../runs/initialise.ts'
import { adaptationOf, taskOptions } from '../runs/learning_config.ts'
import { newHead } from '../runs/new_head.ts'
import { runGraphs } from '../runs/run_graphs.ts'
import { createClosing } from '../runtime/closing.ts'
import { loraScale } from '../runtime/feeds.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { TrainingState } from '../runtime/training_state.ts'
import { taskNamed } from '../tasks/index.ts'
import { bytesOf } from '../formats/byte_file.ts'
import { tabHost } from './host.ts'
import type { TabModel } from './model.ts'
import { checkName } from './names.ts'
import type { TabRunRecord } from './run_record.ts'
import { parseRecord, tabSettings } from './run_record.ts'
import type { TabStorage } from './storage.ts'
import { wholeFolder, withFile } from './storage.ts'
import { checkpointState, readTensors, writeTensors } from './tensors_file.ts'

/** A record of the log: a step has `loss`, an evaluation `eval_loss`. */
export type TabLogRecord = StepRecord | EvaluationRecord

/** What a run is made and trained with. */
export interface TabRunPlace {
  readonly storage: TabStorage
  readonly model: TabModel
  readonly runtime: Runtime
  /** Scores responses where a reward in the settings is a function. */
  readonly reward?: RewardFunction | undefined
}

export interface NewTabRun {
  readonly name: string
  /** The keys of a YAML file that do not speak of folders; see {@link tabSettings}. */
  readonly settings: object
  /** Encoded examples, as Arrow files; a run needs both. */
  readonly train: Uint8Array<ArrayBuffer> | undefined
  readonly validation: Uint8Array<ArrayBuffer> | undefined
  readonly notes?: Readonly<Record<string, unknown>>
}

/** The folder of a run in the storage. */
export const runFolder = (name: string): string => `runs/${name}`

/** Is written last: without it there is no run. */
const recordFile = (name: string): string => `${runFolder(name)}/run.json`

/**
 * Makes a run: checks that its parts go together, and keeps them. `run.json` comes last, so a run is there whole or not at all.
 *
 * @throws UserError where they do not, a run of the name is there, or the storage is full
 */
export async function createTabRun(
  { name, settings: given, train, validation, notes = {} }: NewTabRun,
  place: TabRunPlace,
): Promise<TabRunRecord> {
  const { storage, model } = place
  if (!train || !validation)
    throw new UserError(
      `the data has no ${train ? 'validation' : 'training'} examples; add rows that differ, or name the splits in a column (split: { column: … })`,
    )
  checkName('a run', name)
  const folder = runFolder(name)
  return storage.alone(folder, async () => {
    if (await storage.read(recordFile(name)))
      throw new UserError(`there is a run called ${name} already; remove it, or choose another name`)
    await storage.remove(folder)
    const settings = tabSettings(given, model.config, model.files.where)
    const task = taskNamed(settings.task)
    const work = await task.work()
    const [trainData, validationData] = [
      dataSet('the training data', train, model),
      dataSet('the validation data', validation, model),
    ]
    const head = newHead(task.head, settings, trainData.classes)
    const record: TabRunRecord = {
      format_version: 1,
      name,
      model: model.files.where,
      settings,
      head,
      notes: { ...notes },
    }
    // Throws where an adapter's target matches nothing.
    await graphsOf(record, model)
    const { lora, options } = learned(record, model)
    const { precision } = settings
    const host = tabHost({ folder, ...place, precision })
    const beginning = {
      settings,
      config: model.config,
      lora,
      npt: null,
      host,
      options,
      tokenizer: model.tokenizer,
    }
    await work.check?.(beginning)
    await wholeFolder(storage, folder, async () => {
      await work.prepare?.({ ...beginning, trainData, validationData })
      await storage.write(`${folder}/train.arrow`, [train])
      await storage.write(`${folder}/validation.arrow`, [validation])
      await storage.write(recordFile(name), [`${JSON.stringify(record, null, 2)}\n`])
    })
    return record
  })
}

/** @throws UserError where there is none of the name, or it is damaged */
export async function readTabRun(storage: TabStorage, name: string): Promise<TabRunRecord> {
  const path = recordFile(name)
  const blob = await storage.read(path)
  if (!blob) throw new UserError(`there is no run called ${name} in this browser; make it first`)
  return parseRecord(parsed(await blob.text(), path), path)
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UserError(`${path} is damaged (${(error as Error).message}); remove the run and make it anew`)
  }
}

/** Where a run's last checkpoint stands; undefined where there is none. */
export const readTabState = (
  storage: TabStorage,
  { name, settings }: TabRunRecord,
): Promise<TrainerState | undefined> =>
  checkpointState(storage, `${runFolder(name)}/last.safetensors`, settings.task)

/**
 * The records of a run so far, in their order.
 *
 * @throws UserError where they are damaged
 */
export async function readTabLog(storage: TabStorage, name: string): Promise<TabLogRecord[]> {
  const path = `${runFolder(name)}/log.jsonl`
  const text = await withFile(storage, path, (file) => file.text())
  const lines = text?.split('\n') ?? []
  return lines.filter((line) => line !== '').map((line) => parsed(line, path) as TabLogRecord)
}

export interface TrainTabRun extends TabRunPlace {
  readonly listener?: Listener
  /** Ends the run after the step under way, with a checkpoint; it can be gone on with. */
  readonly signal?: AbortSignal
}

/**
 * Trains a run to its end, from its last checkpoint where it has one.
 *
 * @throws UserError where another tab trains it, or naming step and tensor where a number is not finite; the last checkpoint stays.
 *   Where what is kept of it is taken away meanwhile
 */
export async function trainTabRun(name: string, place: TrainTabRun): Promise<TrainerState> {
  const { storage, model, runtime, listener, signal } = place
  const folder = runFolder(name)
  return storage.alone(folder, async () => {
    const record = await readTabRun(storage, name)
    const { settings, head } = record
    const { lora, options } = learned(record, model)
    const graphs = await graphsOf(record, model)
    const task = await taskNamed(settings.task).work()
    const closing = createClosing()
    try {
      const tensors = closing.add(
        await runtime.state(graphs.trainable, { accumulate: settings.gradient_accumulation_steps > 1 }),
      )
      const last = `${folder}/last.safetensors`
      const stored = await readTensors(storage, last, tensors, settings.task)
      if (!stored) await fillInitial(tensors, record, model)
      const state = stored ?? initialState
      const log = (await readTabLog(storage, name)).filter(({ step }) => stored && step <= state.global_step)
      const open = async (what: 'training' | 'evaluation') =>
        closing.add(
          (
            await model.openGraph(
              `the ${what} graph`,
              async (places) => (await graphsOf(record, model, places))[what](),
              runtime,
            )
          ).session,
        )
      const chosen = await runtime.chosen?.()
      if (chosen !== undefined) listener?.note?.(chosen)
      const [training, evaluation] = [await open('training'), await open('evaluation')]
      const [trainData, validationData] = [
        await storedData(storage, `${folder}/train.arrow`, model),
        await storedData(storage, `${folder}/validation.arrow`, model),
      ]
      const constants = typeof lora === 'string' ? {} : loraScale(adapterScale(lora))
      const keep = (record: TabLogRecord): void => void log.push(record)
      return await task.train({
        ...{ settings, options, config: model.config, lora, npt: null, head, state },
        ...{ training, evaluation, tensors, constants, trainData, validationData },
        unjudged:
          state.global_step > 0 && !log.some((one) => 'eval_loss' in one && one.step === state.global_step),
        parameters: { ...tensors.parameters, ...constants },
        tokenizer: model.tokenizer,
        stop_tokens: stopTokens(model.tokenizer, model.generation),
        host: tabHost({ folder, ...place, precision: settings.precision }),
        async save(checkpoint, at) {
          // The log first: what it has beyond the checkpoint is dropped when the run goes on.
          const lines = log.map((one) => `${JSON.stringify(one)}\n`).join('')
          await storage.write(`${folder}/log.jsonl`, [lines])
          await writeTensors(storage, `${folder}/${checkpoint}.safetensors`, tensors, at, settings.task)
          if (await storage.read(recordFile(name))) return
          await storage.remove(folder)
          throw new UserError(
            `what was kept of the run ${name} is gone, as where the browser's storage is cleared; make the run anew`,
          )
        },
        listeners: [{ step: keep, evaluation: keep }, ...(listener ? [listener] : [])],
        signal,
      })
    } finally {
      await closing.close()
    }
  })
}

/** What of a model a run trains, and the options of its task. */
function learned({ settings }: TabRunRecord, { config }: TabModel) {
  const lora = adaptationOf(settings, config)
  if (typeof lora !== 'string' && lora.modules_to_save)
    throw new UserError('modules_to_save is for runs in Node; leave it out in a browser')
  return { lora, options: taskOptions(settings) }
}

/** @param stored where the frozen parameters lie; by default nowhere, which is enough to know what is trained */
function graphsOf(
  record: TabRunRecord,
  model: TabModel,
  stored: Parameters<typeof runGraphs>[2] = new Map(),
): ReturnType<typeof runGraphs> {
  const { settings, head } = record
  const { task, gradient_checkpointing, precision } = settings
  const { lora, options } = learned(record, model)
  const graphOptions = taskNamed(task).graphOptions.parse(options)
  return runGraphs(
    { task, options: graphOptions, head, lora, npt: null, gradient_checkpointing, precision },
    model.config,
    stored,
  )
}

/** The tensors that a run trains. */
export const trainedShapes = async (record: TabRunRecord, model: TabModel): Promise<ParameterShapes> =>
  (await graphsOf(record, model)).trainable

/** As in a run of Node with the same seed. */
async function fillInitial(tensors: TrainingState, record: TabRunRecord, model: TabModel): Promise<void> {
  const { settings, head } = record
  if (settings.lora === 'full') {
    const stored = await model.stored()
    for (const name of tensors.names) {
      const tensor = stored.get(name)
      if (tensor) await tensors.write(name, 'parameter', tensor.data)
    }
  } else await initialAdapter(tensors, settings.seed)
  if (isPooled(head)) await initialHead(tensors, model.config, settings.seed)
}

async function storedData(storage: TabStorage, path: string, model: TabModel): Promise<DataSet> {
  const blob = await storage.read(path)
  if (!blob)
    throw new UserError(`${path} is gone from the browser's storage; remove the run and make it anew`)
  return dataSet(path, await bytesOf(path, blob), model)
}

function dataSet(name: string, bytes: Uint8Array<ArrayBuffer>, { config }: TabModel): DataSet {
  const data = readArrowDataset(bytesInMemory(name, bytes))
  if (data.vocabularySize > config.vocab_size)
    throw new UserError(
      `${name} was made with a vocabulary of ${data.vocabularySize} tokens but the model has ${config.vocab_size}; prepare it with the model's own tokenizer`,
    )
  return data
}
