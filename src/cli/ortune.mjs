#!/usr/bin/env node
// In a clone the TypeScript sources lie beside this file and run as they are. The npm package has the built JavaScript.
import { existsSync } from 'node:fs'
import console from 'node:console'
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

let ended = false
/** @param {number} code */
function end(code) {
  ended = true
  process.exit(code)
}

// A reader that has seen enough, such as `head`, is no error.
process.stdout.on('error', ({ code }) => {
  if (code === 'EPIPE') end(0)
  process.stderr.write(`ortune: standard output cannot be written (${code}); send it somewhere else\n`)
  end(2)
})
// Nobody reads what is told, or the disk that it goes to is full: the work goes on.
process.stderr.on('error', () => {})
// Standard output is for results; what a user's own code prints is none.
for (const name of ['log', 'info', 'debug']) console[name] = console.error
process.on('uncaughtException', (error) => {
  const place = /\(?(\S+:\d+):\d+\)?$/m.exec(String(error?.stack))?.[1] ?? 'an unknown place'
  process.stderr.write(
    `ortune: ${String(error?.message ?? error).split('\n')[0]} (${place}), where nobody waited for it; await what may fail\n`,
  )
  end(2)
})
process.on('exit', (code) => {
  if (ended || code >= 128) return
  process.stderr.write(
    'ortune: ended before its work was done: code such as a reward function called process.exit, or promised an answer that never comes; mend it\n',
  )
  process.exitCode = 2
})

const { main } = await load()
await main(process.argv)
ended = true
