/**
 * Which pages have parts that are written from the schemas, and what these pages should be.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { format, resolveConfig } from 'prettier'

import { TASK_NAMES } from '../../src/tasks/index.ts'
import { configurationPage, taskOptions } from './configuration.ts'

export const docs = join(import.meta.dirname, '..', '..', 'docs')

/** On the page of a task, what stands between these is the table of its options. */
const OPTIONS = /(<!-- options -->\n)[\s\S]*?(<!-- end of options -->)/

/** Every such page as it should be, by its path. */
export async function writtenPages(): Promise<Map<string, string>> {
  const pages = new Map([[join(docs, 'configuration.md'), configurationPage()]])
  for (const name of TASK_NAMES) {
    const path = join(docs, `${name}.md`)
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    if (OPTIONS.test(text))
      pages.set(
        path,
        text.replace(
          OPTIONS,
          (_, begin: string, end: string) => `${begin}\n${taskOptions(name).join('\n\n')}\n\n${end}`,
        ),
      )
  }
  for (const [path, text] of pages)
    pages.set(path, await format(text, { ...(await resolveConfig(path)), filepath: path }))
  return pages
}
