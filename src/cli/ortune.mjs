#!/usr/bin/env node
// Runs the TypeScript sources as they are: a clone needs no build step.
import process from 'node:process'

import { register as registerCommonJs } from 'tsx/cjs/api'
import { register } from 'tsx/esm/api'

register()
// A user's own .ts file counts as CommonJS where no package.json says otherwise.
registerCommonJs()
// A reader that has seen enough, such as `head`, is no error.
process.stdout.on('error', ({ code }) => process.exit(code === 'EPIPE' ? 0 : 1))
const { main } = await import('./main.ts')
await main(process.argv)
