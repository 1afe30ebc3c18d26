#!/usr/bin/env node
// Runs the TypeScript sources as they are: a clone needs no build step.
import process from 'node:process'

import { register } from 'tsx/esm/api'

register()
const { main } = await import('./main.ts')
await main(process.argv)
