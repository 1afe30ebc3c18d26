/** Keeping, importing, downloading and removing adapters. @module */
import { workshop } from './workshop.ts'
import { download } from './download.ts'
import { folderOf } from './dropped_files.ts'
import { refreshKept } from './models.ts'
import { attempt, said } from './said.ts'
import { after, adapters } from './state.ts'

export const keepRun = (run: string): Promise<boolean> =>
  attempt('kept', async () => {
    const taken = new Set(adapters.value.map(({ name }) => name))
    let name = run
    for (let n = 2; taken.has(name); n++) name = `${run} (${n})`
    await workshop.keepAdapter(run, name)
    await refreshKept()
    said.kept.value = { kind: 'info', text: `What ${run} has learned is kept as the adapter ${name}.` }
  })

export const importAdapter = (files: readonly File[]): Promise<boolean> =>
  attempt('kept', async () => {
    if (files.length === 0) return
    const name = folderOf(files) ?? `adapter ${adapters.value.length + 1}`
    await workshop.addAdapter(name, files)
    await refreshKept()
  })

export const removeAdapter = (name: string): Promise<boolean> =>
  attempt('kept', async () => {
    await workshop.removeAdapter(name)
    if (after.value?.kind === 'adapter' && after.value.name === name) after.value = undefined
    await refreshKept()
  })

export const downloadAdapter = (name: string): Promise<boolean> =>
  attempt('kept', async () => download(await workshop.adapterZip(name), `${name}.zip`))

export const downloadMerged = (name: string): Promise<boolean> =>
  attempt('kept', async () => download(await workshop.mergedZip(name), `${name} merged.zip`))
