#!/usr/bin/env node
// In a clone the TypeScript sources lie beside this file and run as they are. The npm package has the built JavaScript.
import { existsSync } from 'node:fs'
import console from 'node:console'
import process from 'node:process'
import { URL } from 'node:url'
import { inspect } from 'node:util'

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
const told = new console.Console(process.stderr)
for (const name of ['log', 'info', 'debug']) console[name] = console.error
for (const name of ['dir', 'dirxml']) console[name] = told[name].bind(told)
process.on('uncaughtException', (error) => {
  const thrown = error instanceof Error ? error : { stack: '', message: inspect(error) }
  const place = /\(?(\S+:\d+):\d+\)?$/m.exec(String(thrown.stack))?.[1] ?? 'an unknown place'
  process.stderr.write(
    `ortune: ${String(thrown.message).split('\n')[0]} (${place}), where nobody waited for it; await what may fail\n`,
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

/** @param {import('node:stream').Writable} stream */
const written = (stream) => new Promise((resolve) => stream.write('', resolve))

const { main, isForeign } = await load()
const write = process.stdout.write.bind(process.stdout)
process.stdout.write = (...given) => (isForeign() ? process.stderr.write(...given) : write(...given))
await main(process.argv)
ended = true
// The work is done, whatever timers and sockets a user's own code keeps.
await Promise.all([process.stdout, process.stderr].map(written))
process.exit()
