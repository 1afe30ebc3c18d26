import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'

import { expect } from 'chai'

import { eventStream } from '../../src/serve/event_stream.ts'

/** More than what a socket takes for one who does not read. */
const PART = 'x'.repeat(2 ** 20)

describe('a stream of events', () => {
  it('lets go of a reader that takes nothing, and keeps no more for it than one event', async () => {
    let written = 0
    let kept = 0
    const ended = new Promise<void>((resolve, reject) => {
      server.once('request', (_, response) => {
        const stream = eventStream(response, 200)
        const fill = async () => {
          while (!stream.gone.aborted && written < 1000) {
            written++
            const sent = stream.send('records', PART)
            kept = Math.max(kept, response.writableLength)
            await sent
          }
        }
        fill().then(resolve, reject)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
    socket.pause()
    socket.on('error', () => undefined)
    try {
      await ended
      expect(written).to.be.within(1, 200)
      expect(kept).to.be.below(2 * PART.length)
    } finally {
      socket.destroy()
      server.close()
    }
  })

  const server = createServer()
})
