/** @module */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** ortune's own version. */
export const version = (): string =>
  (
    JSON.parse(readFileSync(createRequire(import.meta.url).resolve('ortune/package.json'), 'utf8')) as {
      readonly version: string
    }
  ).version
