/** The worker that does the work, and the sandbox that it asks for scores. @module */
import type { Remote } from 'comlink'
import { transfer, wrap } from 'comlink'

import type { Workshop } from '../worker/workshop.ts'

const worker = new Worker(new URL('../worker/main.ts', import.meta.url), { type: 'module', name: 'ortune' })

export const workshop: Remote<Workshop> = wrap<Workshop>(worker)

/** Settles only where the worker cannot even be loaded. */
export const workerFailed = new Promise<never>((_, reject) => {
  worker.addEventListener('error', (event) => {
    // A fault inside a script that runs is told by whoever asked for something.
    if (event.filename === undefined || event.filename === '')
      reject(new Error(`its worker could not be loaded${event.message ? ` (${event.message})` : ''}`))
  })
})

let sandbox: Promise<void> | undefined

/** Brings the document in which reward functions run, and hands its port to the worker; once. */
export const connectSandbox = (): Promise<void> => (sandbox ??= openSandbox())

async function openSandbox(): Promise<void> {
  const frame = document.createElement('iframe')
  // Its own origin, so that what runs in it reaches neither this page nor what it keeps.
  frame.sandbox.add('allow-scripts')
  frame.hidden = true
  frame.title = 'Where reward functions run'
  frame.src = './reward.html'
  const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }))
  document.body.append(frame)
  await loaded
  const { port1, port2 } = new MessageChannel()
  frame.contentWindow!.postMessage('connect', '*', [port1])
  await workshop.connectSandbox(transfer(port2, [port2]))
}
