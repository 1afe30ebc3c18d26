#!/usr/bin/env node
// In a clone the TypeScript sources lie beside this file and run as they are. The npm package has the built JavaScript.
import { existsSync } from 'node:fs'
import process from 'node:process'
import { URL } from 'node:url'

const sources = new URL('./main.ts', import.meta.url)
const built = new URL('../../dist/src/cli/main.js', import.meta.url)

async function load() {
  if (!existsSync(sources)) return import(built.href)
  const { register } = await import('tsx/esm/api')
  const { register: registerCommonJs } = await import('tsx/cjs/api')
  register()
  // A user's own .ts file counts as CommonJS where no package.json says otherwise.
  registerCommonJs()
  return import(sources.href)
}

// A reader that has seen enough, such as `head`, is no error.
process.stdout.on('error', ({ code }) => {
  if (code === 'EPIPE') process.exit(0)
  process.stderr.write(`ortune: standard output cannot be written (${code}); send it somewhere else\n`)
  process.exit(2)
})
const { main } = await load()
await main(process.argv)
