/** Taking examples and looking at what the model will see of them. @module */
import { workshop } from './workshop.ts'
import { bytes } from './bytes.ts'
import { attempt } from './said.ts'
import { filled } from './form.ts'
import { examined, examining, form, model, source, task, template, unread } from './state.ts'
import { settingsOf, userError } from './settings.ts'
import type { PageTask } from './tasks.ts'
import { tasks } from './tasks.ts'
import type { Source } from '../worker/workshop.ts'

/** A tab reads examples into memory. */
const MOST = 500e6

const READ = /\.(csv|tsv|jsonl|ndjson|json|parquet|txt)$/i

export function chooseTask(chosen: PageTask): void {
  task.value = chosen
  form.steps.value = tasks[chosen].steps
  form.batch.value = tasks[chosen].batch
  source.value = undefined
  examined.value = undefined
  template.value = undefined
  unread.value = false
}

export const takeFiles = (files: readonly File[]): Promise<boolean> =>
  attempt('examples', async () => {
    const [file] = files
    if (!file) return
    if (files.length > 1) throw userError('a run learns from one file; drop one, with all rows in it')
    if (!READ.test(file.name))
      throw userError(
        `${file.name} is no file of examples; take one whose name ends in .csv, .tsv, .jsonl, .json, .parquet or .txt`,
      )
    if (file.size > MOST)
      throw userError(
        `${file.name} has ${bytes(file.size)}, and a tab reads at most ${bytes(MOST)}; take a part of it, or train with the command line`,
      )
    await take(
      /\.txt$/i.test(file.name)
        ? await (await import('./pasted.ts')).linesOf(file, tasks[task.value].lines)
        : { name: file.name, blob: file },
    )
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
    await take((await import('./pasted.ts')).pasted(text, tasks[task.value].lines))
  })

export async function take(given: Source): Promise<void> {
  source.value = given
  template.value = undefined
  unread.value = false
  await look()
}

/** Takes the same examples by another template. */
export function retell(given: object): Promise<boolean> {
  template.value = given
  return examine()
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
    if (mine !== asked) return
    examined.value = found
    unread.value = false
  } catch (error) {
    if (mine !== asked) return
    unread.value = true
    throw error
  } finally {
    if (mine === asked) examining.value = false
  }
}
