/**
 * Runs and adapters that outlast a page, on the model and the data that lie under /files/.
 * @module
 */
import type { PeftAdapter, TabRunPlace } from '../../../src/web.ts'
import {
  adapterBlobs,
  blobFiles,
  createTabRun,
  createTabWriter,
  fetchModel,
  keepAdapter,
  keptAdapter,
  openTabModel,
  opfsStorage,
  readPeftFiles,
  readTabLog,
  readTabRun,
  readTabState,
  runFolder,
  trainedAdapter,
  trainTabRun,
  UserError,
  webRuntime,
} from '../../../src/web.ts'

const at = '/files'
const names = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors']

async function place(): Promise<TabRunPlace> {
  const model = await openTabModel(await fetchModel(`${at}/model/`, { names }))
  return { storage: await opfsStorage(), model, runtime: webRuntime({ threads: 1 }) }
}

/** Makes a run of Node's data; gives the sentence where it cannot be made. */
export async function make({ name, settings }: { name: string; settings: object }): Promise<string> {
  const split = async (one: string) =>
    new Uint8Array(await (await fetch(`${at}/run/data/${one}.arrow`)).arrayBuffer())
  const run = { name, settings, train: await split('train'), validation: await split('validation') }
  return said(async () => void (await createTabRun(run, await place())))
}

/** Trains a run on, at most to a step; gives the sentence where it cannot be trained. */
export async function train({ name, until }: { name: string; until?: number }): Promise<string> {
  const stop = new AbortController()
  return said(async () => {
    const listener = { step: ({ step }: { step: number }) => step === until && stop.abort() }
    await trainTabRun(name, { ...(await place()), listener, signal: stop.signal })
  })
}

async function said(act: () => Promise<void>): Promise<string> {
  try {
    await act()
    return ''
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return error.message
  }
}

/** What is said of names that no folder can have: where an adapter is kept under each, and where one is read. */
export async function odd({ from, names }: { from: string; names: readonly string[] }): Promise<string[]> {
  const { storage, model } = await place()
  const adapter = await trainedAdapter(storage, await readTabRun(storage, from), model)
  const sentences: string[] = []
  for (const name of names)
    sentences.push(
      await said(() => keepAdapter(storage, name, adapter)),
      await said(async () => void (await readTabRun(storage, name))),
      await said(() => storage.write(`adapters/${name}`, ['x'])),
    )
  return sentences
}

/** The files of runs that are kept. */
export async function runFiles(): Promise<string[]> {
  const storage = await opfsStorage()
  const found: string[] = []
  for (const name of await storage.list('runs'))
    for (const file of await storage.list(runFolder(name))) found.push(`${name}/${file}`)
  return found
}

/** The step of the last checkpoint; 0 where there is none. */
export async function stepOf({ name }: { name: string }): Promise<number> {
  const storage = await opfsStorage()
  return (await readTabState(storage, await readTabRun(storage, name)))?.global_step ?? 0
}

/** The SHA-256 of what is kept of a run, by file. */
export async function digests({ name }: { name: string }): Promise<Readonly<Record<string, string>>> {
  const storage = await opfsStorage()
  const found: Record<string, string> = {}
  for (const file of ['last.safetensors', 'best.safetensors', 'log.jsonl']) {
    const blob = await storage.read(`${runFolder(name)}/${file}`)
    if (!blob) continue
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()))
    found[file] = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
  found['records'] = String((await readTabLog(storage, name)).length)
  return found
}

/** The two files of the adapter that a run has trained, the tensors as base64. */
export async function adapterOf({ name }: { name: string }): Promise<{ config: string; model: string }> {
  const { storage, model } = await place()
  const adapter = await trainedAdapter(storage, await readTabRun(storage, name), model)
  await keepAdapter(storage, name, adapter)
  const blobs = adapterBlobs(await keptAdapter(storage, name))
  const [config, tensors] = ['adapter_config.json', 'adapter_model.safetensors'].map((file) =>
    blobs.get(file),
  )
  const bytes = new Uint8Array(await tensors!.arrayBuffer())
  return {
    config: await config!.text(),
    model: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')),
  }
}

/** What the model writes after prompts as it is, with one adapter, with another, and as it is again; and how long each swap took. */
export async function swaps({ name, prompts }: { name: string; prompts: readonly string[] }): Promise<{
  readonly tokens: readonly (readonly (readonly number[])[])[]
  readonly milliseconds: readonly number[]
}> {
  const { storage, model, runtime } = await place()
  const file = async (one: string) => (await fetch(`${at}/adapter/${one}`)).blob()
  const both = ['adapter_config.json', 'adapter_model.safetensors']
  const files = await Promise.all(both.map(async (one) => [one, await file(one)] as const))
  const nodes = await readPeftFiles(blobFiles('adapter', new Map(files)))
  const ours = await keptAdapter(storage, name)
  const writer = createTabWriter(model, runtime)
  await writer.use(null)
  const [tokens, milliseconds]: [(readonly number[])[][], number[]] = [[], []]
  for (const adapter of [null, ours, nodes, null] satisfies (PeftAdapter | null)[]) {
    const began = performance.now()
    const generator = await writer.use(adapter)
    milliseconds.push(performance.now() - began)
    tokens.push((await generator.generate(prompts, { max_new_tokens: 16 })).map((one) => one.tokens))
  }
  await writer.release()
  return { tokens, milliseconds }
}
