import { expect } from 'chai'

import { withFolder } from '../data/helpers.ts'
import { executedNodes } from '../training/executed_nodes.ts'

describe('a training graph on WebGPU', function () {
  this.timeout(300_000)
  for (const base of [null, 'bf16', 'int4'])
    it(`leaves at most 10 nodes to the CPU, with base ${base}`, () =>
      withFolder(async (folder) => {
        const nodes = await executedNodes(folder, { provider: 'webgpu', base })
        const on = (wanted: string) => nodes.filter(({ provider }) => provider === wanted).length
        expect(on('WebGpuExecutionProvider')).to.be.above(100)
        expect(on('CPUExecutionProvider')).to.be.at.most(10)
      }))
})
