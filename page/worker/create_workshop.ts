/** The worker's side of the page. @module */
import type {
  PeftAdapter,
  Runtime,
  TabModel,
  TabStorage,
  TaskName,
  WebFacility,
  WebProvider,
} from '../../src/web.ts'
import {
  adapterBlobs,
  blobFiles,
  createTabRun,
  memoryStorage,
  mergedBlobs,
  openTabClassifier,
  opfsStorage,
  readAdapterHead,
  readPeftFiles,
  readTabLog,
  readTabRun,
  runFolder,
  trainedAdapter,
  trainTabRun,
  UserError,
  webFacility,
  webRuntime,
  withCheckedScores,
} from '../../src/web.ts'
import { filesAmong, keep, listAdapters, withHead } from './adapters.ts'
import { examine, prepareSource } from './examples.ts'
import { withFamilies } from './late_families.ts'
import type { OpenedModel } from './models.ts'
import { addModel, listModels, modelFacts, openModel } from './models.ts'
import { entryOf, keepPlan, listRuns, notesOf } from './runs.ts'
import type { Sandbox, Scored } from './sandbox.ts'
import type { Preference, Room, Workshop } from './workshop.ts'
import type { Desk } from './writing.ts'
import { createDesk } from './writing.ts'

const PREFERENCES = 'preferences.json'

export function createWorkshop(): Workshop {
  let runtime: Runtime | undefined
  let storage: TabStorage = memoryStorage()
  let opened: OpenedModel | undefined
  let desk: Desk | undefined
  let sandbox: Sandbox | undefined
  let training: { readonly name: string; readonly stop: AbortController } | undefined

  function running(): Runtime {
    if (!runtime) throw new Error('the workshop has not been started')
    return runtime
  }
  function current(): TabModel {
    if (!opened) throw new UserError('no model is open; open one first')
    return opened.model
  }
  const sandboxed = (): Sandbox => {
    if (!sandbox) throw new Error('the sandbox is not connected')
    return sandbox
  }
  /** What scores by a function that someone wrote. */
  const rewardOf = async (reward: string, told?: (scored: Scored) => void) =>
    (await import('./sandbox.ts')).sandboxedReward(sandboxed, reward, told)
  function checkIdle(): void {
    if (training)
      throw new UserError(`${training.name} is in training; pause it before another model is opened`)
  }
  async function open(next: OpenedModel) {
    checkIdle()
    await desk?.release()
    opened = next
    desk = createDesk(storage, next.model, running())
    return modelFacts(next)
  }
  /** The model that a run is of must be open. */
  function modelOf(run: Awaited<ReturnType<typeof readTabRun>>): TabModel {
    const { model } = notesOf(run)
    if (opened?.id === model) return opened.model
    throw new UserError(
      `${run.name} is a run of the model ${model.replace(/^\w+\//, '')}; open that model first`,
    )
  }
  async function trained(run: string): Promise<PeftAdapter> {
    const record = await readTabRun(storage, run)
    return withFamilies(() => trainedAdapter(storage, record, modelOf(record)))
  }

  const classifying = {
    async run(name: string) {
      const { head } = await readTabRun(storage, name)
      return { name, head, adapter: await trained(name) }
    },
    adapter: async (name: string) => ({ name, ...(await withHead(storage, name)) }),
  }

  return {
    async start(provider) {
      const notes: string[] = []
      try {
        storage = await opfsStorage()
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        notes.push(error.message)
      }
      const keeps = notes.length === 0
      const found = await findFacility(provider)
      runtime = webRuntime({ provider: found.provider })
      return { ...found, notes: [...found.notes, ...notes], keeps, room: await room() }
    },
    room,

    models: () => listModels(storage),
    openModel: async (id, progress) => open(await openModel(storage, id, progress)),
    async addModel(name, files, progress) {
      checkIdle()
      return open(await addModel(storage, name, files, progress))
    },
    async removeModel(id) {
      if (!id.startsWith('kept/'))
        throw new UserError('only models that are kept in this browser can be removed')
      await storage.remove(`models/${id.slice('kept/'.length)}`)
    },

    examine: (source, task, settings) => examine(source, task, settings, current()),
    rowParts: async (source, task) => (await import('./row_templates.ts')).readRowParts(source, task),

    runs: () => listRuns(storage),
    async createRun({ name, task, settings, source, validation, reward }) {
      const model = current()
      const prepared = await prepareSource(source, task, settings, model, validation)
      const { train, validation: judged, settings: own, template } = prepared
      const notes = { model: opened!.id, template, ...(reward === undefined ? {} : { reward }) }
      const run = {
        ...{ name, train, validation: judged, notes },
        settings: { ...own, task, ...(reward === undefined ? {} : withReward(own, task)) },
      }
      const place = { storage, model, runtime: running() }
      const record = await createTabRun(
        run,
        reward === undefined ? place : { ...place, reward: await rewardOf(reward) },
      )
      return entryOf(storage, record)
    },
    async train(name, watcher) {
      if (training) throw new UserError(`${training.name} is in training already; pause it first`)
      const record = await readTabRun(storage, name)
      const model = modelOf(record)
      const { reward } = notesOf(record)
      const stop = new AbortController()
      training = { name, stop }
      const told = (scored: Scored) => watcher.responses?.(scored)
      try {
        await trainTabRun(name, {
          ...{ storage, model, runtime: running(), signal: stop.signal },
          ...(reward === undefined ? {} : { reward: await rewardOf(reward, told) }),
          listener: {
            start(plan) {
              // Where there is no room for it, there is none for a checkpoint, and that is said.
              void keepPlan(storage, name, plan.totalSteps).catch(() => undefined)
              watcher.start?.({ totalSteps: plan.totalSteps, fromStep: plan.fromStep })
            },
            step: (one) => watcher.step?.(one),
            evaluation: (one) => watcher.evaluation?.(one),
            note: (sentence) => watcher.note?.(sentence),
          },
        })
      } finally {
        training = undefined
      }
      return entryOf(storage, record)
    },
    async pause() {
      training?.stop.abort()
    },
    log: (name) => readTabLog(storage, name),
    async removeRun(name) {
      await storage.alone(runFolder(name), () => storage.remove(runFolder(name)))
    },

    adapters: () => listAdapters(storage),
    async keepAdapter(run, name) {
      const { head } = await readTabRun(storage, run)
      return keep(storage, name, await trained(run), head)
    },
    async addAdapter(name, files) {
      const given = blobFiles(name, await filesAmong(files))
      const adapter = await withFamilies(() => readPeftFiles(given))
      return keep(storage, name, adapter, await readAdapterHead(given))
    },
    removeAdapter: (name) => storage.remove(`adapters/${name}`),
    async adapterZip(name) {
      const { adapter, head } = await withHead(storage, name)
      return zip(name, adapterBlobs(adapter, head))
    },
    async mergedZip(name) {
      const { adapter } = await withHead(storage, name)
      return zip(name, await mergedBlobs(current(), adapter))
    },

    async write(request, onText) {
      current()
      return desk!.write(request, onText)
    },
    async stopWriting() {
      desk?.stop()
    },
    async classify(by, text) {
      const { adapter, ...known } = await classifying[by.kind](by.name)
      const classifier = await openTabClassifier(current(), known, adapter, running())
      try {
        const [probabilities] = await classifier.classify([text])
        return classifier.classes.map((name, i) => ({ name, probability: probabilities![i]! }))
      } finally {
        await classifier.release()
      }
    },

    async preferences() {
      const blob = await storage.read(PREFERENCES)
      if (!blob) return []
      try {
        return JSON.parse(await blob.text()) as Preference[]
      } catch {
        throw new UserError(`${PREFERENCES} is damaged; the next thumb that is given begins it anew`)
      }
    },
    keepPreferences: (all) => storage.write(PREFERENCES, [JSON.stringify(all)]),

    async connectSandbox(port) {
      sandbox = (await import('./sandbox.ts')).createSandbox(port)
    },
    tryReward: async (reward, samples) =>
      withCheckedScores(await rewardOf(reward)).score(
        samples.map((sample) => ({ ...sample, references: [] })),
      ),
  }
}

async function room(): Promise<Room> {
  const { usage = 0, quota } = (await navigator.storage?.estimate?.()) ?? {}
  return { used: usage, of: quota }
}

/** The reward of a run's settings that is the function which the page has. */
function withReward(settings: object, task: TaskName): object {
  const given = (settings as Record<string, unknown>)[task]
  return { [task]: { ...(given as object | undefined), reward: { function: 'reward.js' } } }
}

/** One folder, as a file. */
async function zip(folder: string, blobs: ReadonlyMap<string, Blob>): Promise<Blob> {
  const { downloadZip } = await import('client-zip')
  return downloadZip([...blobs].map(([name, input]) => ({ name: `${folder}/${name}`, input }))).blob()
}

/** What is asked for; where that is not there, WebAssembly, and why. */
async function findFacility(provider: 'auto' | WebProvider): Promise<WebFacility> {
  try {
    return await webFacility({ provider })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const found = await webFacility()
    return { ...found, notes: [error.message, ...found.notes] }
  }
}
