/**
 * `npm run docs:configuration`: writes what the documentation has from the schemas.
 * @module
 */
import { writeFileSync } from 'node:fs'

import { writtenPages } from './pages.ts'

for (const [path, text] of await writtenPages()) writeFileSync(path, text)
