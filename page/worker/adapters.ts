/** @module */
import type { PeftAdapter, TabRunRecord, TabStorage } from '../../src/web.ts'
import { adapterBlobs, isNamed, keepAdapter, keptAdapter, keptAdapters, keptHead } from '../../src/web.ts'
import { readEach } from './damaged.ts'
import { withFamilies } from './late_families.ts'
import { freeName } from './names.ts'
import type { AdapterEntry, Damaged } from './workshop.ts'

export const listAdapters = async (storage: TabStorage): Promise<(AdapterEntry | Damaged)[]> =>
  readEach(await keptAdapters(storage), (name) => entryOf(storage, name))

/**
 * Keeps one.
 *
 * @param called its name, with a number where it is taken
 */
export async function keep(
  storage: TabStorage,
  called: string,
  adapter: PeftAdapter,
  head: TabRunRecord['head'],
): Promise<AdapterEntry> {
  const name = await freeName(storage, 'adapters', called)
  await withFamilies(() => keepAdapter(storage, name, adapter, head))
  return entryOf(storage, name)
}

/** Files by their names; those in a zip, where it is one. */
export async function filesAmong(files: readonly File[]): Promise<Map<string, Blob>> {
  const [first, ...others] = files
  if (first && others.length === 0 && /\.zip$/i.test(first.name))
    return (await import('./unzipped.ts')).unzipped(first)
  return new Map(files.map((file) => [file.name, file]))
}

/** One that is kept, and its head where it has one. */
export const withHead = (
  storage: TabStorage,
  name: string,
): Promise<{ readonly adapter: PeftAdapter; readonly head: TabRunRecord['head'] }> =>
  withFamilies(async () => ({
    adapter: await keptAdapter(storage, name),
    head: await keptHead(storage, name),
  }))

async function entryOf(storage: TabStorage, name: string): Promise<AdapterEntry> {
  const { adapter, head } = await withHead(storage, name)
  const bytes = [...adapterBlobs(adapter).values()].reduce((sum, { size }) => sum + size, 0)
  const { baseModel: model, r: rank, target_modules: modules } = adapter
  const classes = isNamed(head) ? head.classes : []
  return { name, model, rank, modules, bytes, head: adapter.head !== undefined, classes }
}
