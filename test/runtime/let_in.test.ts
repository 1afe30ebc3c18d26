import { expect } from 'chai'

import { Graph } from '../../graphs/ir/graph.ts'
import { serialize } from '../../graphs/ir/serialize.ts'
import { mul } from '../../graphs/ops/index.ts'
import { openWebSession } from '../../src/runtime/web.ts'

describe('a session on WebAssembly', () => {
  it('lets messages in, however fast its runs follow each other', async () => {
    const graph = new Graph('twice')
    const x = graph.input('x', 'float32', [4])
    graph.output('y', mul(x, 2))
    const session = await openWebSession(serialize(graph))
    const feeds = { x: { dtype: 'float32', dims: [4], data: new Float32Array(4) } } as const
    let heard = false
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => (heard = true)
    port2.postMessage(null)
    const began = performance.now()
    while (!heard && performance.now() - began < 5000) await session.run(feeds)
    port1.close()
    await session.release()
    expect(heard).to.equal(true)
  })
})
