/**
 * Which files of docs are written from the schemas, or have parts that are, and what these should be.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { format, resolveConfig } from 'prettier'

import { TASK_NAMES } from '../../src/tasks/index.ts'
import { plasticOptionsSchema, trainingOptionsSchema } from '../../src/learning/options.ts'
import { jsonSchema } from '../../src/json_schema.ts'
import { configSchema } from '../../src/runs/config_schema.ts'
import { configurationPage, keyTable, taskOptions } from './configuration.ts'
import { learningRateTable } from './learning_rates.ts'

export const docs = join(import.meta.dirname, '..', '..', 'docs')

/** On a page, what stands between these is the table of options that it is about. */
const OPTIONS = /(<!-- options -->\n)[\s\S]*?(<!-- end of options -->)/

/** For editors: what a YAML file may hold. Draft 7, which they all know, has the same words for it. */
function editorSchema(): string {
  const { properties = {}, ...rest } = configSchema()
  const keys = Object.entries(properties)
  const ofTraining = ([key]: [string, unknown]) => Object.hasOwn(trainingOptionsSchema.shape, key)
  return JSON.stringify({
    ...rest,
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'ortune: the configuration of a run',
    // As a person writes them: first what is learned, then how.
    properties: Object.fromEntries<unknown>([
      ...keys.filter((key) => !ofTraining(key)),
      ...keys.filter(ofTraining),
      ['variants', variants],
    ]),
  })
}

const variants = {
  type: 'object',
  additionalProperties: { type: ['object', 'null'] },
  description:
    'Names of variants to be compared by `ortune sweep`, each with the keys that are another in it, as a command line gives them.',
}

/** On the page of learning rates, what stands between these is the table of defaults. */
const RATES = /(<!-- rates -->\n)[\s\S]*?(<!-- end of rates -->)/

/** Every such file as it should be, by its path. */
export async function writtenPages(): Promise<Map<string, string>> {
  const pages = new Map([
    [join(docs, 'configuration.md'), configurationPage()],
    [join(docs, 'ortune.schema.json'), editorSchema()],
  ])
  const tables: readonly (readonly [page: string, tables: readonly string[]])[] = [
    ...TASK_NAMES.map((name) => [name, taskOptions(name)] as const),
    ['plasticity', [keyTable(jsonSchema(plasticOptionsSchema), 'plastic.')]],
  ]
  for (const [page, options] of tables) {
    const path = join(docs, `${page}.md`)
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    if (OPTIONS.test(text))
      pages.set(
        path,
        text.replace(
          OPTIONS,
          (_, begin: string, end: string) => `${begin}\n${options.join('\n\n')}\n\n${end}`,
        ),
      )
  }
  const rates = join(docs, 'learning_rate.md')
  pages.set(
    rates,
    readFileSync(rates, 'utf8').replace(
      RATES,
      (_, begin: string, end: string) => `${begin}\n${learningRateTable(768)}\n\n${end}`,
    ),
  )
  for (const [path, text] of pages)
    pages.set(path, await format(text, { ...(await resolveConfig(path)), filepath: path }))
  return pages
}
