/** Taking examples and looking at what the model will see of them. @module */
import { workshop } from './workshop.ts'
import { bytes } from './bytes.ts'
import { attempt } from './said.ts'
import { filled } from './form.ts'
import { examined, examining, form, model, source, task } from './state.ts'
import { pasted } from './pasted.ts'
import { settingsOf, userError } from './settings.ts'
import type { PageTask } from './tasks.ts'
import { tasks } from './tasks.ts'
import type { Source } from '../worker/workshop.ts'

/** A tab reads examples into memory. */
const MOST = 500e6

const READ = /\.(csv|tsv|jsonl|ndjson|json|parquet)$/i

export function chooseTask(chosen: PageTask): void {
  task.value = chosen
  form.steps.value = tasks[chosen].steps
  form.batch.value = tasks[chosen].batch
  source.value = undefined
  examined.value = undefined
}

export const takeFiles = (files: readonly File[]): Promise<boolean> =>
  attempt('examples', async () => {
    const [file] = files
    if (!file) return
    if (files.length > 1) throw userError('a run learns from one file; drop one, with all rows in it')
    if (!READ.test(file.name))
      throw userError(
        `${file.name} is no file of examples; take one whose name ends in .csv, .tsv, .jsonl, .json or .parquet`,
      )
    if (file.size > MOST)
      throw userError(
        `${file.name} has ${bytes(file.size)}, and a tab reads at most ${bytes(MOST)}; take a part of it, or train with the command line`,
      )
    await take({ name: file.name, blob: file })
  })

export const takeSample = (file: string): Promise<boolean> =>
  attempt('examples', async () => {
    const response = await fetch(`./samples/${file}`).catch(() => undefined)
    if (!response?.ok)
      throw userError(`the sample ${file} could not be loaded; look whether the page is still served`)
    await take({ name: file, blob: await response.blob() })
  })

export const takeText = (text: string): Promise<boolean> =>
  attempt('examples', async () => {
    if (text.trim() === '') throw userError('there is nothing in the field; paste some examples first')
    await take(pasted(text))
  })

export async function take(given: Source): Promise<void> {
  source.value = given
  await look()
}

/** Looks again, where the model or a setting has changed. */
export const examine = (): Promise<boolean> => attempt('examples', look)

let asked = 0

async function look(): Promise<void> {
  examined.value = undefined
  const [given, mine] = [source.value, ++asked]
  if (!given || !model.value) return
  examining.value = true
  try {
    const found = await workshop.examine(given, task.value, settingsOf(filled()))
    if (mine === asked) examined.value = found
  } catch (error) {
    if (mine === asked) throw error
  } finally {
    if (mine === asked) examining.value = false
  }
}
