/** @module */

/** Milliseconds that messages wait at most. */
const LONGEST = 50

let last = 0

/**
 * Lets a worker or a page hear what was sent to it meanwhile, such as that a run is to pause: WebAssembly computes without a break, and
 * where one promise after the other is fulfilled already no message has its turn.
 */
export async function letMessagesIn(): Promise<void> {
  if (performance.now() - last < LONGEST) return
  const { port1, port2 } = new MessageChannel()
  await new Promise((resolve) => {
    port1.onmessage = resolve
    port2.postMessage(null)
  })
  port1.close()
  last = performance.now()
}
