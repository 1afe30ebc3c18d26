/**
 * Where ortune itself lies: the clone, or the installed package.
 * @module
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

import type { JsonSchema } from '../json_schema.ts'

export const project = dirname(createRequire(import.meta.url).resolve('ortune/package.json'))

/** What a YAML file of a run may hold, for editors and for help; `npm run docs:configuration` writes it. */
export const schemaFile = join(project, 'docs', 'ortune.schema.json')

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))

export const readSchema = (): JsonSchema => readJson(schemaFile) as JsonSchema
