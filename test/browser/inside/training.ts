/**
 * Runs in the tab, on the models and the data that lie under /files/.
 * @module
 */
import type { WebDevice } from '../../../src/runtime/web_runtime.ts'
import { webRuntime } from '../../../src/runtime/web_runtime.ts'
import { fetchModel } from '../../../src/tab/blob_files.ts'
import { openTabModel } from '../../../src/tab/model.ts'
import { createTabRun, trainTabRun } from '../../../src/tab/run.ts'
import { memoryStorage } from '../../../src/tab/storage.ts'
import { createTabWriter } from '../../../src/tab/writer.ts'
import { trainedAdapter } from '../../../src/tab/adapter.ts'
import { countBuffers } from './buffers.ts'

export interface Given {
  /** The folder of /files/ that has `model` and `run`. */
  readonly folder: string
  readonly device: WebDevice
  readonly settings: object
  /** What the trained model is to go on from, greedily. */
  readonly prompts?: readonly string[]
}

export interface Trained {
  readonly losses: readonly number[]
  /** What the run said. */
  readonly notes: readonly string[]
  /** Buffers of the GPU that are there after each step. */
  readonly buffers: readonly number[]
  /** Tokens after each prompt. */
  readonly written: readonly (readonly number[])[]
  readonly seconds: number
}

/** Trains a run of Node's data to its end, and writes. */
export async function train({ folder, device, settings, prompts = [] }: Given): Promise<Trained> {
  const buffers = countBuffers()
  const at = `/files/${folder}`
  const split = async (name: string) =>
    new Uint8Array(await (await fetch(`${at}/run/data/${name}.arrow`)).arrayBuffer())
  const place = {
    storage: memoryStorage(),
    model: await openTabModel(await fetchModel(`${at}/model/`)),
    runtime: webRuntime(device),
  }
  const record = await createTabRun(
    { name: 'run', settings, train: await split('train'), validation: await split('validation') },
    place,
  )
  const [losses, notes, counts]: [number[], string[], number[]] = [[], [], []]
  const start = performance.now()
  await trainTabRun('run', {
    ...place,
    listener: {
      note: (sentence) => notes.push(sentence),
      step({ loss }) {
        losses.push(loss)
        counts.push(buffers.count())
      },
    },
  })
  const seconds = (performance.now() - start) / 1000
  const written: (readonly number[])[] = []
  if (prompts.length > 0) {
    const writer = createTabWriter(place.model, webRuntime(device))
    const adapter = await trainedAdapter(place.storage, record, place.model)
    const generator = await writer.use(adapter)
    const found = await generator.generate(prompts, { max_new_tokens: 24, do_sample: false })
    written.push(...found.map(({ tokens }) => tokens))
    await writer.release()
  }
  return { losses, notes, buffers: counts, written, seconds }
}
