/** Keeping, importing, downloading and removing adapters. @module */
import { workshop } from './workshop.ts'
import { download } from './download.ts'
import { folderOf } from './dropped_files.ts'
import { refreshKept } from './models.ts'
import { attempt, said } from './said.ts'
import { after } from './state.ts'

export const keepRun = (run: string): Promise<boolean> =>
  attempt('kept', async () => {
    const { name } = await workshop.keepAdapter(run, run)
    await refreshKept()
    said.kept.value = { kind: 'info', text: `What ${run} has learned is kept as the adapter ${name}.` }
  })

export const importAdapter = (files: readonly File[]): Promise<boolean> =>
  attempt('kept', async () => {
    if (files.length === 0) return
    const zip = files.map(({ name }) => /^(.*)\.zip$/i.exec(name)?.[1]).find((stem) => stem !== undefined)
    const { name: kept } = await workshop.addAdapter(folderOf(files) ?? zip ?? 'adapter', files)
    await refreshKept()
    said.kept.value = { kind: 'info', text: `The adapter is kept as ${kept}.` }
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
